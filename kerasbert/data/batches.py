"""Batches of rows: tokenised once, packed by the same graph that serves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.data.fixed_shapes import with_shape
from kerasbert.data.load import Rows
from kerasbert.data.plan import ABSENT, FILLER
from kerasbert.text import TextGraph

_TOKENIZE_BATCH = 4096


@dataclass(frozen=True)
class TokenizedRows:
    """Tokenised rows: int32 ragged [rows, None] without special tokens.

    `full_lengths` counts the tokens of each row before truncation, with both texts and the special
    tokens: int64 [rows].
    """

    ids: tf.RaggedTensor
    pair: tf.RaggedTensor | None
    full_lengths: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """The number of tokens of each row without special tokens: int64 [rows]."""
        lengths = self.ids.row_lengths().numpy()
        return lengths if self.pair is None else lengths + self.pair.row_lengths().numpy()

    def packed_lengths(self, graph: TextGraph) -> np.ndarray:
        """Returns the number of tokens of each packed row: int64 [rows]."""
        if self.pair is not None:
            return np.minimum(self.full_lengths, graph.max_length)
        return graph.windows.packed_lengths(self.full_lengths - 2)

    def inputs(self, index: tf.Tensor, graph: TextGraph) -> dict[str, tf.Tensor]:
        """Returns the packed inputs of the rows at `index`, int [batch]."""
        pair = None if self.pair is None else tf.gather(self.pair, index)
        return graph.pack(tf.gather(self.ids, index), pair)


def tokenize_rows(rows: Rows, graph: TextGraph) -> TokenizedRows:
    """Tokenises `rows` with the graph that also serves.

    Single texts are truncated here; pairs are truncated by `pack`, which needs both lengths.
    """

    def tokenize(texts: list[str]) -> tuple[tf.RaggedTensor, np.ndarray]:
        parts, lengths = [], []
        with progress.phase("tokenising", len(texts), "rows") as tokenised:
            for part in slices(len(texts), _TOKENIZE_BATCH):
                ids = graph.tokenize(tf.constant(texts[part]))
                lengths.append(ids.row_lengths().numpy())
                parts.append(ids if rows.pairs else graph.truncate(ids))
                tokenised.advance(len(texts[part]))
        return tf.concat(parts, axis=0), np.concatenate(lengths)

    ids, lengths = tokenize(rows.texts)
    if rows.pairs is None:
        return TokenizedRows(ids, None, lengths + 2)
    pair, lengths_of_pairs = tokenize(rows.pairs)
    return TokenizedRows(ids, pair, lengths + lengths_of_pairs + 3)


@dataclass(frozen=True)
class Examples:
    """Tokenised rows to learn from: targets [rows] or [rows, labels], and weights float32 [rows]."""

    rows: TokenizedRows
    targets: np.ndarray
    weights: np.ndarray


def training_batches(
    examples: Examples,
    plan: np.ndarray,
    graph: TextGraph,
    token_dropout: float = 0.0,
    seed: int = 0,
    first_step: int = 0,
    shapes: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Returns the batches of `plan` as (inputs, targets, weights), in order.

    The weights of a batch are scaled so that the mean over the batch size equals the mean over its real
    rows, so that an incomplete last batch is weighted correctly on any number of replicas.

    Args:
        examples: the rows with their targets and weights.
        plan: int32 [steps, batch]; see `Plan`.
        graph: packs the rows.
        token_dropout: share of the tokens that are replaced by [MASK].
        seed: random seed of the token dropout.
        first_step: number of the plan's first step, counted from the start of the training.
        shapes: of the batches, int32 [steps, 2]; see `fixed_shapes`. None: as small as their rows allow.
    """

    def batch(
        step: tf.Tensor, index: tf.Tensor, shape: tf.Tensor | None = None
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        index = tf.boolean_mask(index, index != ABSENT)
        real = tf.cast(index != FILLER, tf.float32)
        index = tf.maximum(index, 0)
        inputs = examples.rows.inputs(index, graph)
        if token_dropout:
            inputs["token_ids"] = _drop_tokens(
                inputs["token_ids"], graph, token_dropout, tf.stack([tf.cast(seed, tf.int64), step])
            )
        if shape is not None:
            inputs = with_shape(inputs, shape[0], shape[1], graph.vocabulary.pad)
        size = tf.cast(tf.size(index), tf.float32)
        weight = tf.gather(examples.weights, index) * real * size / tf.reduce_sum(real)
        return inputs, tf.gather(examples.targets, index), weight

    parts = (plan,) if shapes is None else (plan, shapes)
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(first_step, first_step + len(plan)), *parts))
    return dataset.map(batch, num_parallel_calls=2, deterministic=True).prefetch(4)


def prediction_batches(
    rows: TokenizedRows, graph: TextGraph, batch_size: int
) -> tuple[tf.data.Dataset, np.ndarray]:
    """Returns batches of inputs sorted by length, and the row index of each position: int [rows].

    The last batch is padded with copies of row 0; discard the results beyond the number of rows.
    """
    order = np.argsort(rows.lengths, kind="stable")
    plan = np.zeros(-(-len(order) // batch_size) * batch_size, np.int32)
    plan[: len(order)] = order
    dataset = tf.data.Dataset.from_tensor_slices(plan.reshape(-1, batch_size))
    return dataset.map(lambda index: rows.inputs(index, graph), num_parallel_calls=2).prefetch(4), order


def slices(count: int, size: int) -> Iterator[slice]:
    """Yields slices of length `size` that cover `count` items."""
    return (slice(start, start + size) for start in range(0, count, size))


def _drop_tokens(ids: tf.Tensor, graph: TextGraph, share: float, seed: tf.Tensor) -> tf.Tensor:
    vocabulary = graph.vocabulary
    drawn = tf.random.stateless_uniform(tf.shape(ids), seed) < share
    for special in (vocabulary.pad, vocabulary.cls, vocabulary.sep):
        drawn &= ids != special
    return tf.where(drawn, vocabulary.mask, ids)

"""Changes the layers, positions or the vocabulary of a pretrained encoder."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.checkpoints.tensor_names import OF_TOKENS, layer_number
from kerasbert.data import Columns, read_rows
from kerasbert.errors import UserError
from kerasbert.text import TextGraph, Vocabulary

POSITIONS = "position_embedding/embeddings"
_FEWEST_POSITIONS = 8  # as in the configuration
_BATCH = 4096  # rows at once


def resize_positions(weights: Mapping[str, np.ndarray], positions: int) -> dict[str, np.ndarray]:
    """Returns `weights` with a position table of `positions` rows.

    A shorter table keeps its first rows. A longer one repeats all of them, as Longformer was initialised from
    RoBERTa (Beltagy et al. 2020, section 5, https://arxiv.org/abs/2004.05150): attention to near
    neighbours is right everywhere but at the seams, and training mends these.
    """
    if positions < _FEWEST_POSITIONS:
        raise UserError(f"--positions: must be at least {_FEWEST_POSITIONS}. Received: {positions}")
    table = weights[POSITIONS]
    return {**weights, POSITIONS: table[np.arange(positions) % len(table)]}


def keep_layers(weights: Mapping[str, np.ndarray], layers: int) -> dict[str, np.ndarray]:
    """Returns `weights` without the transformer layers from number `layers` on, counted from 0."""
    return {path: weight for path, weight in weights.items() if (layer_number(path) or 0) < layers}


def keep_tokens(
    weights: Mapping[str, np.ndarray],
    vocabulary: Vocabulary,
    ids: np.ndarray,
    added: Sequence[str] = (),
) -> tuple[dict[str, np.ndarray], Vocabulary]:
    """Returns weights and vocabulary with `ids` and what they need, in their old order.

    Texts that were split into `ids` alone are split as before.

    Args:
        weights: by Keras path.
        vocabulary: of the weights.
        ids: of tokens.
        added: tokens that are never split, which stay too.
    """
    needed = [*vocabulary.required, *(vocabulary.ids[token] for token in added)]
    kept = np.union1d(ids, needed).astype(np.int64)
    resized = {path: weight[kept] if path in OF_TOKENS else weight for path, weight in weights.items()}
    return resized, vocabulary.subset(kept.tolist())


def count_tokens(
    files: Sequence[str], columns: Columns, vocabulary: Vocabulary, text: Mapping[str, Any]
) -> tuple[np.ndarray, int]:
    """Returns how often each token occurs in files of texts, int64 [tokens], and the number of texts.

    Args:
        files: as `read_rows` takes them.
        columns: how to read them; second texts of pairs count too.
        vocabulary: of the tokenizer.
        text: settings of the text section.
    """
    graph = TextGraph(vocabulary, max_length=8, **text)  # tokenize does not cut
    counts, texts = np.zeros(len(vocabulary), np.int64), 0
    for file in files:
        rows = progress.track(read_rows(file, columns), f"reading {file}", unit="rows")
        while part := list(islice(rows, _BATCH)):
            both = [text for row in part for text in (row.text, row.pair) if text is not None]
            ids = graph.tokenize(tf.constant(both, tf.string)).flat_values.numpy()
            counts += np.bincount(ids, minlength=len(counts))
            texts += len(both)
    return counts, texts

"""Changes the positions or the vocabulary of a pretrained encoder."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.checkpoints.tensor_names import OF_TOKENS
from kerasbert.data import Columns, read_rows
from kerasbert.errors import UserError
from kerasbert.text import TextGraph, Vocabulary

POSITIONS = "position_embedding/embeddings"
_FEWEST_POSITIONS = 8  # as in the configuration


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


def keep_tokens(
    weights: Mapping[str, np.ndarray],
    vocabulary: Vocabulary,
    ids: np.ndarray,
    added: Sequence[str] = (),
) -> tuple[dict[str, np.ndarray], Vocabulary]:
    """Returns weights and vocabulary with the special and added tokens and `ids`, in their old order."""
    special = [vocabulary.ids[token] for token in (*vocabulary.special_tokens, *added)]
    kept = np.union1d(ids, special).astype(np.int64)
    resized = {path: weight[kept] if path in OF_TOKENS else weight for path, weight in weights.items()}
    return resized, vocabulary.subset(kept.tolist())


def ids_of_files(
    files: Sequence[str], columns: Columns, vocabulary: Vocabulary, text: Mapping[str, Any]
) -> np.ndarray:
    """Returns the distinct ids that occur in files of texts, int64 [ids], sorted.

    Args:
        files: as `read_rows` takes them.
        columns: how to read them.
        vocabulary: of the tokenizer.
        text: settings of the text section.
    """
    graph = TextGraph(vocabulary, max_length=8, **text)  # tokenize does not cut
    found = np.zeros(len(vocabulary), bool)
    for file in files:
        texts = (row.text for row in read_rows(file, columns))
        while part := list(islice(texts, 4096)):
            found[graph.tokenize(tf.constant(part, tf.string)).flat_values.numpy()] = True
    return np.flatnonzero(found)

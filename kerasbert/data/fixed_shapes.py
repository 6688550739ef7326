"""Batches of a few fixed shapes, since XLA compiles the training step anew for each shape."""

from itertools import combinations

import numpy as np
import tensorflow as tf

from kerasbert.text.packing import BUCKET

# More of them compute less padding, but each takes as long to compile as the first.
_SHAPES = 4
_LEVELS = 16  # of the number of tokens, between which the shapes are told apart


def fixed_shapes(plan: np.ndarray, lengths: np.ndarray, max_length: int) -> np.ndarray:
    """Returns length and number of tokens of each batch, rounded up to the few pairs that compute least.

    Args:
        plan: int32 [steps, batch]; see `Plan`. It has no `ABSENT`.
        lengths: number of tokens of each row, int [rows].
        max_length: of a row.

    Returns:
        int32 [steps, 2], of at most four different rows.
    """
    of_rows = lengths[np.maximum(plan, 0)]
    tokens = _rounded(of_rows.sum(axis=1))
    longest = np.minimum(_rounded(of_rows.max(axis=1)), max_length)
    levels, level, counts = np.unique(
        -(-_LEVELS * tokens // tokens.max()), return_inverse=True, return_counts=True
    )

    def computed(cuts: tuple[int, ...]) -> int:
        parts = zip(np.split(counts, cuts), np.split(levels, cuts), strict=True)
        return sum(int(count.sum() * part[-1]) for count, part in parts)

    most = min(_SHAPES, len(levels))
    cuts = min(combinations(range(1, len(levels)), most - 1), key=computed)
    group = np.searchsorted(cuts, level, side="right")
    shapes = np.zeros([len(plan), 2], np.int32)
    for number in range(most):
        of_group = group == number
        shapes[of_group] = longest[of_group].max(), tokens[of_group].max()
    return shapes


def _rounded(counts: np.ndarray) -> np.ndarray:
    return -(-counts // BUCKET) * BUCKET


def with_shape(
    inputs: dict[str, tf.Tensor], length: tf.Tensor, tokens: tf.Tensor, pad: int
) -> dict[str, tf.Tensor]:
    """Returns packed inputs padded to a shape, and `places`: where its tokens are; see `models.Packing`.

    Args:
        inputs: `token_ids`, `segment_ids` and `padding_mask`, int32 [batch, at most length].
        length: of a row; see `fixed_shapes`.
        tokens: how many to compute, at least the real ones.
        pad: id of the padding token.
    """
    width = tf.shape(inputs["token_ids"])[1]
    missing = [[0, 0], [0, length - width]]
    padded = {
        name: tf.pad(values, missing, constant_values=pad if name == "token_ids" else 0)
        for name, values in inputs.items()
    }
    real = tf.reshape(padded["padding_mask"] != 0, [-1])
    places = tf.concat([tf.where(real)[:, 0], tf.where(~real)[:, 0]], axis=0)[:tokens]
    return {**padded, "places": tf.cast(places, tf.int32)}

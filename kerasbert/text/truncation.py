"""Truncation: which tokens of a long text are kept."""

import tensorflow as tf


def truncate(rows: tf.RaggedTensor, budget: tf.Tensor | int, truncation: str) -> tf.RaggedTensor:
    """Truncates each row of [batch, None] to at most `budget` values; see `truncation_mask`."""
    if truncation == "head" and isinstance(budget, int):
        return rows[:, :budget]  # the common case, with fewer ops
    mask = truncation_mask(rows, budget, truncation)
    return tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(rows.values, mask),
        tf.boolean_mask(rows.value_rowids(), mask),
        nrows=rows.nrows(),
        validate=False,
    )


def truncation_mask(rows: tf.RaggedTensor, budget: tf.Tensor | int, truncation: str) -> tf.Tensor:
    """Returns which values of `rows` are kept: bool [values].

    Args:
        rows: [batch, None].
        budget: maximum number of values of a row, integers [batch] or a single one.
        truncation: `head` keeps the first values, `tail` the last, `head_tail` the first quarter (rounded
            up) of the budget and the rest from the end: 128 and 382 of 510, the best of the variants in
            Sun et al. 2019 (https://arxiv.org/abs/1905.05583, section 5.3.1).
    """
    row, starts, lengths = rows.value_rowids(), rows.row_starts(), rows.row_lengths()
    budget = tf.broadcast_to(tf.cast(budget, lengths.dtype), tf.shape(lengths))
    head = {"head": budget, "tail": tf.zeros_like(budget), "head_tail": (budget + 3) // 4}[truncation]
    tail = lengths - (budget - head)  # where the tail begins
    number = tf.range(tf.size(row, row.dtype)) - tf.gather(starts, row)
    return (number < tf.gather(head, row)) | (number >= tf.gather(tail, row))

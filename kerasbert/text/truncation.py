"""Which tokens of a long text are read."""

import tensorflow as tf


def truncate(rows: tf.RaggedTensor, budget: tf.Tensor | int, truncation: str) -> tf.RaggedTensor:
    """Returns at most `budget` values of each row of [batch, None]; see `kept`."""
    if truncation == "head" and isinstance(budget, int):
        return rows[:, :budget]  # the usual case, in fewer operations
    mask = kept(rows, budget, truncation)
    return tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(rows.values, mask),
        tf.boolean_mask(rows.value_rowids(), mask),
        nrows=rows.nrows(),
        validate=False,
    )


def kept(rows: tf.RaggedTensor, budget: tf.Tensor | int, truncation: str) -> tf.Tensor:
    """Returns which values of `rows` stay: bool [values].

    Args:
        rows: [batch, None].
        budget: how many of a row may stay, integers [batch] or one for all.
        truncation: `head` keeps the first, `tail` the last, `head_tail` the first quarter (rounded up) and
            the rest from the end: 128 and 382 of 510, the best of what Sun et al. 2019
            (https://arxiv.org/abs/1905.05583, section 5.3.1) tried.
    """
    row, starts, lengths = rows.value_rowids(), rows.row_starts(), rows.row_lengths()
    budget = tf.broadcast_to(tf.cast(budget, lengths.dtype), tf.shape(lengths))
    head = {"head": budget, "tail": tf.zeros_like(budget), "head_tail": (budget + 3) // 4}[truncation]
    tail = lengths - (budget - head)  # where it begins
    number = tf.range(tf.size(row, row.dtype)) - tf.gather(starts, row)
    return (number < tf.gather(head, row)) | (number >= tf.gather(tail, row))

"""Maps the tokens of a packed row back to the words of its text."""

import tensorflow as tf


def of_words(
    words: tf.RaggedTensor, pieces: tf.RaggedTensor, kept: tf.Tensor, values: tf.Tensor, first: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums the values of tokens over the words they belong to.

    Args:
        words: string [batch, None], as `TextGraph.split` gives them.
        pieces: int32 [batch, None, None], likewise.
        kept: bool [pieces], which of all pieces were read.
        values: float32 [batch, length], of the packed rows.
        first: int32 [batch], the place in its row of the first piece that was read.

    Returns:
        The words of which at least one piece was read, string [batch, n], padded with "", and their
        sums, float32 [batch, n], padded with 0.
    """
    row = tf.boolean_mask(pieces.merge_dims(1, 2).value_rowids(), kept)
    word = tf.boolean_mask(pieces.values.value_rowids(), kept)
    starts = tf.searchsorted(row, tf.range(words.nrows(), dtype=row.dtype), out_type=row.dtype)
    number = tf.range(tf.size(row, row.dtype)) - tf.gather(starts, row)
    place = tf.stack([row, number + tf.cast(tf.gather(first, row), row.dtype)], axis=1)
    count = tf.size(words.flat_values)
    sums = tf.math.unsorted_segment_sum(tf.gather_nd(values, place), word, count)
    seen = words.with_flat_values(tf.math.unsorted_segment_sum(tf.ones_like(word), word, count) > 0)
    return (
        tf.ragged.boolean_mask(words, seen).to_tensor(""),
        tf.ragged.boolean_mask(words.with_flat_values(sums), seen).to_tensor(0.0),
    )

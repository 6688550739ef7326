"""Sanitises token ids from clients, so that no row of a batch can affect another."""

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from kerasbert.text.graph import TextGraph


@dataclass(frozen=True)
class Sanitizer:
    """Makes arbitrary token ids safe to run in a batch with other rows.

    A server batches the rows of several clients, and an error inside the graph would fail the whole batch.
    So nothing is rejected here: rows from a BERT tokenizer are unchanged, and all others are corrected as
    described in `__call__`.

    Args:
        text_graph: supplies the vocabulary and the row of the empty text.
        takes_pairs: whether a row is two texts.
        positions: size of the encoder's position table.
        segments: size of the encoder's segment table.
    """

    text_graph: TextGraph
    takes_pairs: bool
    positions: int
    segments: int

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the inputs of a model, int32 [batch, length].

        - A token is real where the mask is not 0. Gaps are kept: the tokens after one keep their
          positions, as in Keras and Transformers.
        - A [CLS] after the first position is padding: TensorFlow Serving's `pad_variable_length_inputs`
          pads a row with its first token, and the mask with ones. Where rows have windows, the first place
          of one with other real tokens is real, too.
        - An id outside the vocabulary becomes [UNK]; a segment is clipped to the segment table.
        - Tokens beyond the position table, or the last window, are cut off. Masks and segments are cut or
          padded with 0 to the length of the ids.
        - A row without a real token becomes the row of the empty text.

        Args:
            inputs: `token_ids`, `segment_ids`, `padding_mask`: int32 [batch, any length].
        """
        vocabulary, empty = self.text_graph.vocabulary, self._empty_row()
        shortest = empty["token_ids"].shape[1]
        windows = self.text_graph.windows
        most = windows.most * windows.length if windows.most > 1 else self.positions
        width = tf.clip_by_value(tf.shape(inputs["token_ids"])[1], shortest, most)
        ids, segments, mask = (
            _fit(inputs[name], width) for name in ("token_ids", "segment_ids", "padding_mask")
        )
        position = tf.range(width)
        real = (mask != 0) & ((ids != vocabulary.cls) | (position == 0))
        if windows.most > 1:
            real |= _begins(real, windows.length)
        # Trim columns that are padding in every row: attention computes them too.
        longest = tf.reduce_max(tf.where(real, position + 1, shortest))
        width = tf.clip_by_value(longest, shortest, width)  # an empty batch has no maximum
        rows = {
            "token_ids": tf.where((ids >= 0) & (ids < len(vocabulary)), ids, vocabulary.unk),
            "segment_ids": tf.clip_by_value(segments, 0, self.segments - 1),
            "padding_mask": tf.cast(real, tf.int32),
        }
        readable = tf.reduce_any(real, axis=1, keepdims=True)
        return {
            name: tf.where(readable, values[:, :width], _fit(empty[name], width))
            for name, values in rows.items()
        }

    def _empty_row(self) -> dict[str, tf.Tensor]:
        """Returns the text graph's output for "" without padding, [1, length], as constants."""
        with tf.init_scope():
            text = tf.constant([""])
            row = self.text_graph(text, text if self.takes_pairs else None)
            length = int(tf.reduce_sum(row["padding_mask"]))
            return {name: tf.constant(values.numpy()[:, :length]) for name, values in row.items()}


def _begins(real: tf.Tensor, length: int) -> tf.Tensor:
    """Returns where windows with real tokens begin, the first of a row aside: bool [batch, width]."""
    position = tf.range(tf.shape(real)[1])
    window = position // length
    count = tf.math.unsorted_segment_sum(tf.transpose(tf.cast(real, tf.int32)), window, tf.size(position))
    held = tf.gather(tf.transpose(count), window, axis=1) > 0
    return held & (position % length == 0) & (position > 0)


def _fit(values: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Cuts [batch, any length] to [batch, width], or pads it with 0."""
    values = values[:, :width]
    return tf.pad(values, [[0, 0], [0, width - tf.shape(values)[1]]])

"""Token ids from outside: any integers in, rows of which none can harm another out."""

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from kerasbert.text.graph import TextGraph


@dataclass(frozen=True)
class Sanitizer:
    """Makes rows that did not come from the text graph safe to compute beside others.

    A server puts the rows of several clients into one batch, and there is no refusing a single row of it
    inside a graph: an error fails the whole batch. So nothing here is an error. Rows as a BERT tokenizer
    gives them stay as they are; see `__call__` for what becomes of the rest.

    Args:
        text_graph: gives the vocabulary and the row of the empty text.
        takes_pairs: whether a row is two texts.
        positions: rows of the encoder's position table.
        segments: rows of its segment table.
    """

    text_graph: TextGraph
    takes_pairs: bool
    positions: int
    segments: int

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the inputs of a model, int32 [batch, length].

        - A token is real where the mask is not 0, whatever number stands there. Holes stay holes: the
          tokens after one keep their positions, as in Keras and Transformers.
        - A [CLS] behind the first place is padding: TensorFlow Serving's `pad_variable_length_inputs`
          fills a row up with its first token, and the mask with ones.
        - An id outside the vocabulary is [UNK]; a segment outside the table is the nearest in it.
        - Tokens beyond the position table are cut off. Mask and segments that are shorter than the ids
          are filled up with 0, longer ones cut.
        - A row without a real token is that of the empty text.

        Args:
            inputs: `token_ids`, `segment_ids`, `padding_mask`: int32 [batch, any length].
        """
        vocabulary, empty = self.text_graph.vocabulary, self._empty_row()
        shortest = empty["token_ids"].shape[1]
        width = tf.clip_by_value(tf.shape(inputs["token_ids"])[1], shortest, self.positions)
        ids, segments, mask = (
            _fit(inputs[name], width) for name in ("token_ids", "segment_ids", "padding_mask")
        )
        position = tf.range(width)
        real = (mask != 0) & ((ids != vocabulary.cls) | (position == 0))
        # No more places than are real somewhere: attention pays for each.
        longest = tf.reduce_max(tf.where(real, position + 1, shortest))
        width = tf.clip_by_value(longest, shortest, width)  # a batch of none has no maximum
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
        """Returns what the text graph makes of "" without its padding, [1, length], as constants."""
        with tf.init_scope():
            text = tf.constant([""])
            row = self.text_graph(text, text if self.takes_pairs else None)
            length = int(tf.reduce_sum(row["padding_mask"]))
            return {name: tf.constant(values.numpy()[:, :length]) for name, values in row.items()}


def _fit(values: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Cuts [batch, any length] to [batch, width], or fills it up with 0."""
    values = values[:, :width]
    return tf.pad(values, [[0, 0], [0, width - tf.shape(values)[1]]])

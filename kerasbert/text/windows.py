"""Long texts: overlapping windows of tokens, each a row of BERT's, laid end to end in one row."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kerasbert.text.packing import pack
from kerasbert.text.vocabulary import Vocabulary

_OVERLAP = 8  # the part of a window that it shares with the next: one in so many


@dataclass(frozen=True)
class Windows:
    """How texts are split into windows.

    A text of one window is packed as ever. A longer one has as few windows as hold it, all of the same size
    to within a token, so that none is a mere rest: [CLS] a [SEP] (padding) [CLS] b [SEP] (padding). Each
    begins at a multiple of `length`.

    Args:
        length: maximum number of tokens of a window, [CLS] and [SEP] included.
        most: maximum number of windows of a text.
    """

    length: int
    most: int

    @property
    def overlap(self) -> int:
        """The number of tokens that two neighbouring windows share."""
        return (self.length - 2) // _OVERLAP

    @property
    def budget(self) -> int:
        """The most tokens of a text that are read."""
        return self.most * self._step + self.overlap

    @property
    def _step(self) -> int:
        return self.length - 2 - self.overlap

    def packed_lengths(self, lengths: np.ndarray) -> np.ndarray:
        """Returns the number of tokens of packed rows, of texts of `lengths` tokens: int [rows]."""
        lengths = np.minimum(lengths, self.budget)
        count = np.maximum(-(-(lengths - self.overlap) // self._step), 1)
        return lengths + (count - 1) * self.overlap + 2 * count

    def pack(self, ids: tf.RaggedTensor, vocabulary: Vocabulary) -> dict[str, tf.Tensor]:
        """Returns `token_ids`, `segment_ids`, `padding_mask`: int32 [batch, length].

        Args:
            ids: int32 [batch, None], without special tokens, at most `budget` in a row.
            vocabulary: supplies the special tokens.
        """
        places, count = self._split(ids)
        windows = pack(
            places.with_values(tf.gather(ids.values, places.values)), None, vocabulary, self.length
        )
        width = tf.where(tf.reduce_max(count) > 1, self.length, tf.shape(windows["token_ids"])[1])
        fill = {"token_ids": vocabulary.pad, "segment_ids": 0, "padding_mask": 0}

        def rows(values: tf.Tensor, missing: int) -> tf.Tensor:
            short = width - tf.shape(values)[1]
            values = tf.pad(values, [[0, 0], [0, short]], constant_values=missing)
            split = tf.RaggedTensor.from_row_lengths(values, count, validate=False)
            return tf.reshape(split.to_tensor(missing), [tf.size(count), -1])

        return {name: rows(values, fill[name]) for name, values in windows.items()}

    def of_tokens(self, values: tf.Tensor, ids: tf.RaggedTensor) -> tf.Tensor:
        """Sums values of the places of packed rows over the windows that each token is in.

        Args:
            values: float32 [batch, length].
            ids: [batch, None], what was packed.

        Returns:
            float32 [batch, tokens], padded with 0.
        """
        places, count = self._split(ids)
        window = tf.cast(places.value_rowids(), tf.int32)
        inside = tf.range(tf.size(window)) - tf.gather(tf.cast(places.row_starts(), tf.int32), window)
        number = tf.ragged.range(count).flat_values  # of each window in its row
        row = tf.repeat(tf.range(tf.size(count)), count)
        place = tf.stack([row, number * self.length + 1], axis=1)
        place = tf.gather(place, window) + tf.stack([tf.zeros_like(inside), inside], axis=1)
        sums = tf.math.unsorted_segment_sum(tf.gather_nd(values, place), places.values, tf.size(ids.values))
        return ids.with_values(sums).to_tensor()

    def _split(self, ids: tf.RaggedTensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """Returns the places of each window in `ids.values`, and the number of windows of each row.

        They are int32 [windows, None] and int32 [batch].
        """
        lengths, begin = (tf.cast(of, tf.int32) for of in (ids.row_lengths(), ids.row_starts()))
        count = tf.maximum(-(-(lengths - self.overlap) // self._step), 1)
        number = tf.ragged.range(count).flat_values
        alone, first, windows = (tf.repeat(of, count) for of in (lengths - self.overlap, begin, count))
        start = first + number * alone // windows
        end = first + (number + 1) * alone // windows + self.overlap
        return tf.ragged.range(start, end), count

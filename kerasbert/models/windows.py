"""Rows of several windows, which the encoder reads one by one; see `kerasbert.text.windows`."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from kerasbert.text.packing import BUCKET

Encode = Callable[[Mapping[str, tf.Tensor]], dict[str, Any]]

AT_ONCE = 64  # windows that are encoded at once where nothing is learned: what bounds the memory


class WindowRows:
    """From rows [batch, length] to the windows in them, [windows, width], and back.

    Args:
        padding_mask: int32 [batch, length], not 0 on real tokens. A window without any is left out, but for
            the first of a row.
        length: of a window: one begins at each multiple of it.
    """

    def __init__(self, padding_mask: tf.Tensor, length: int):
        self._batch, self._length = tf.unstack(tf.shape(padding_mask))
        self._count = tf.maximum(-(-self._length // length), 1)  # of the places for windows in a row
        self._step = tf.where(self._count > 1, length, self._length)
        real = self._reshape(padding_mask) != 0
        place = tf.range(self._batch * self._count)
        self._places = tf.boolean_mask(place, tf.reduce_any(real, axis=1) | (place % self._count == 0))
        longest = tf.reduce_max(tf.where(real, tf.range(self._step) + 1, 1))
        longest = tf.maximum(longest, 1)  # an empty batch has no maximum
        self._width = tf.minimum(-(-longest // BUCKET) * BUCKET, self._step)

    def split(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the windows of inputs [batch, length] by name: [windows, width]."""
        return {
            name: tf.gather(self._reshape(values)[:, : self._width], self._places)
            for name, values in inputs.items()
        }

    def encode(self, inputs: Mapping[str, tf.Tensor], encode: Encode) -> dict[str, Any]:
        """Returns what `encode` makes of the windows, joined to rows.

        Returns:
            `pooled_output` [batch, hidden], the mean over the windows of a row; `sequence_output` [batch,
            length, hidden], if `encode` returns that of windows; anything else as it is.
        """
        encoded = encode(self.split(inputs))
        joined = {"pooled_output": self._mean, "sequence_output": self._join}
        return {name: joined[name](of) if name in joined else of for name, of in encoded.items()}

    def _mean(self, pooled: tf.Tensor) -> tf.Tensor:
        mean = tf.math.segment_mean(tf.cast(pooled, tf.float32), self._places // self._count)
        return tf.cast(mean, pooled.dtype)

    def _join(self, sequence: tf.Tensor) -> tf.Tensor:
        hidden = sequence.shape[-1]
        sequence = tf.pad(sequence, [[0, 0], [0, self._step - self._width], [0, 0]])
        shape = [self._batch * self._count, self._step, hidden]
        sequence = tf.scatter_nd(self._places[:, None], sequence, shape)
        return tf.reshape(sequence, [self._batch, -1, hidden])[:, : self._length]

    def _reshape(self, values: tf.Tensor) -> tf.Tensor:
        missing = self._count * self._step - self._length
        values = tf.pad(values, [[0, 0], [0, missing]])
        return tf.reshape(values, [self._batch * self._count, self._step])


def in_chunks(encode: Encode, hidden: int, dtype: tf.DType, return_sequence: bool) -> Encode:
    """Returns `encode` for any number of windows, `AT_ONCE` of them at a time: for inference.

    Args:
        encode: from windows to `pooled_output` and, if `return_sequence`, `sequence_output`.
        hidden: the size of both.
        dtype: of both.
        return_sequence: whether there is the second.
    """

    def chunked(inputs: Mapping[str, tf.Tensor]) -> dict[str, Any]:
        windows, width = tf.unstack(tf.shape(inputs["padding_mask"]))
        start = {"pooled_output": tf.zeros([0, hidden], dtype)}
        shapes = {"pooled_output": tf.TensorShape([None, hidden])}
        if return_sequence:
            start["sequence_output"] = tf.zeros([0, width, hidden], dtype)
            shapes["sequence_output"] = tf.TensorShape([None, None, hidden])

        def add(begin: tf.Tensor, before: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            end = begin + AT_ONCE
            new = encode({name: values[begin:end] for name, values in inputs.items()})
            return end, {name: tf.concat([before[name], new[name]], axis=0) for name in before}

        _, encoded = tf.while_loop(
            lambda begin, _: begin < windows,
            add,
            [0, start],
            [tf.TensorShape([]), shapes],
            parallel_iterations=1,
        )
        return dict(encoded)

    return chunked

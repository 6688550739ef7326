"""Rows of tokens without their padding."""

from collections.abc import Callable

import tensorflow as tf


class Packing:
    """From rows [batch, length, ...] to their real tokens [tokens, ...] and back.

    Rows are taken apart and put together by gathers, in the gradients too, where TensorFlow would scatter.

    Args:
        padding_mask: int32 [batch, length], not 0 on real tokens. The first place of a row is always a token:
            the pooled output is taken there.
        num_heads: of attention.
        dtype: of `bias`.
        places: int32 [tokens], where in [batch * length] the tokens are: each real one, then as much padding
            as makes their number a fixed one, for XLA. Padding has no gradient and changes no other token.
            None: the real ones alone.

    Attributes:
        heads: `num_heads`.
        bias: [batch, 1, 1, length], added to the scores of attention: padding gets none of it.
        rows: int32 [tokens], the row of each token.
        positions: int32 [tokens], its place in the row.
    """

    def __init__(
        self,
        padding_mask: tf.Tensor,
        num_heads: int,
        dtype: tf.DType = tf.float32,
        places: tf.Tensor | None = None,
    ):
        self.heads = num_heads
        self._batch, self._length = batch, length = tf.unstack(tf.shape(padding_mask))
        real = padding_mask != 0
        self.bias = (tf.cast(real, dtype)[:, None, None, :] - 1.0) * 1e9
        is_token = tf.reshape(real | (tf.range(length) == 0), [-1])
        self._places = tf.cast(tf.where(is_token)[:, 0], tf.int32) if places is None else places
        self.rows = self._places // tf.maximum(length, 1)
        self.positions = self._places % tf.maximum(length, 1)
        # The token at each place: in padding the one before it, which `bias` hides, or one past the last.
        before = tf.cumsum(tf.cast(is_token, tf.int32)) - 1
        self._tokens = tf.where(is_token, before, tf.size(self._places))
        self._first = tf.gather(before, tf.range(batch) * length)
        # Heads' vectors of tokens, [tokens, 3, heads] or [tokens, heads], and of places, [(3,) batch, heads,
        # length]: of each where to find it among the others.
        head, part = tf.range(num_heads), tf.range(3)
        token = tf.reshape(before, [1, batch, 1, length])
        self._split = (token * 3 + part[:, None, None, None]) * num_heads + head[:, None]
        self._merge = (self.rows[:, None] * num_heads + head) * length + self.positions[:, None]
        self._unsplit = part[:, None] * (batch * num_heads * length) + self._merge[:, None]
        self._unmerge = tf.reshape(self._tokens, [batch, 1, length]) * num_heads + head[:, None]

    def pack(self, values: tf.Tensor) -> tf.Tensor:
        """Returns values [tokens] from [batch, length]."""
        return tf.gather(tf.reshape(values, [-1]), self._places)

    def unpack(self, x: tf.Tensor) -> tf.Tensor:
        """Returns vectors [batch, length, hidden] from [tokens, hidden], zero in padding."""

        @tf.custom_gradient
        def unpack(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                return tf.gather(tf.reshape(upstream, [-1, x.shape[-1]]), self._places)

            unpacked = tf.gather(_with_zeros(x), self._tokens)
            return tf.reshape(unpacked, [self._batch, self._length, x.shape[-1]]), gradient

        return unpack(x)

    def first(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the first token of each row, [batch, hidden] from [tokens, hidden]."""
        return tf.gather(x, self._first)

    def split_heads(self, x: tf.Tensor) -> tf.Tensor:
        """Returns query, key and value [3, batch, heads, length, width] from [tokens, 3 * heads * width]."""
        size = x.shape[-1]
        width = size // (3 * self.heads)

        @tf.custom_gradient
        def split(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                return tf.reshape(tf.gather(tf.reshape(upstream, [-1, width]), self._unsplit), [-1, size])

            return tf.gather(tf.reshape(x, [-1, width]), self._split), gradient

        return split(x)

    def merge_heads(self, x: tf.Tensor) -> tf.Tensor:
        """Returns vectors [tokens, heads * width] from [batch, heads, length, width]."""
        width = x.shape[-1]
        size = self.heads * width

        @tf.custom_gradient
        def merge(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                return tf.gather(tf.reshape(_with_zeros(upstream), [-1, width]), self._unmerge)

            return tf.reshape(tf.gather(tf.reshape(x, [-1, width]), self._merge), [-1, size]), gradient

        return merge(x)


def _with_zeros(x: tf.Tensor) -> tf.Tensor:
    """Returns x [tokens, hidden] with a row of zeros after the last: what padding has."""
    return tf.pad(x, [[0, 1], [0, 0]])

"""Attention for inference: small and large requests are computed in ways of their own."""

from functools import partial

import tensorflow as tf

from kerasbert.models.packing import Packing
from kerasbert.models.transformer import attend, self_attention

# Scores, of all rows and heads. To compute so many takes less time than to wake oneDNN's threads for them.
SMALL = 8192
# From here on it is worth to group rows by their length, if that spares half of the scores.
LARGE = 1 << 20


class AttentionBySize:
    """What `self_attention` does, in the way that takes least time.

    Args:
        packing: of the tokens.

    Attributes:
        small: whether there are at most `SMALL` scores, bool [].
        large: whether there are more than `LARGE`, bool [].
    """

    def __init__(self, packing: Packing):
        length = tf.shape(packing.bias)[3]
        rows, most = tf.size(packing.bias) * packing.heads, tf.maximum(length, 1)
        # Divided, since the product of both may be beyond int32.
        self.small, self.large = rows <= SMALL // most, rows > LARGE // most

    def __call__(self, query_key_value: tf.Tensor, packing: Packing, first_only: bool = False) -> tf.Tensor:
        """Returns what `self_attention` does."""
        usual = partial(self_attention, query_key_value, packing, first_only, self._attend)
        if first_only:  # as many scores as tokens
            return usual()
        return tf.cond(
            self.large, lambda: _attention_large(query_key_value, packing.bias, packing.heads), usual
        )

    def _attend(self, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        given = query, key, value, bias
        return tf.cond(self.small, lambda: _attend_small(*given), lambda: attend(*given))


def _attend_small(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    # TensorFlow makes oneDNN's of the usual operations for batched products and softmax, but not of these.
    scores = tf.raw_ops.BatchMatMulV3(x=query, y=key, Tout=query.dtype, adj_y=True)
    weights = tf.exp(tf.nn.log_softmax(scores + bias))
    return tf.raw_ops.BatchMatMulV3(x=weights, y=value, Tout=query.dtype)


# A function that stays one operation: for other requests, one that is not run.
@tf.function(autograph=False, experimental_attributes={"_noinline": True})
def _attention_large(query_key_value: tf.Tensor, bias: tf.Tensor, heads: int) -> tf.Tensor:
    mask = tf.cast(bias[:, 0, 0] == 0, tf.int32)
    batch, length = tf.unstack(tf.shape(mask))
    lengths = tf.reduce_max(mask * (tf.range(length) + 1), axis=1)  # 0: nothing real
    needed = tf.reduce_sum(tf.square(tf.cast(lengths, tf.float32)))
    padded = tf.cast(batch, tf.float32) * tf.square(tf.cast(length, tf.float32))
    return tf.cond(
        needed <= padded / 2,
        lambda: _attention_by_length(query_key_value, mask, lengths, heads),
        lambda: self_attention(query_key_value, Packing(mask, heads, query_key_value.dtype)),
    )


def _attention_by_length(
    query_key_value: tf.Tensor, mask: tf.Tensor, lengths: tf.Tensor, heads: int
) -> tf.Tensor:
    # Rows of up to a quarter of the longest, of up to half, and longer ones, each padded to their longest.
    longest, rows = tf.shape(mask)[1], Packing(mask, heads).rows
    shorter, places, attended = tf.constant(-1), [], []
    for parts in (4, 2, 1):
        width = -(-longest // parts)
        chosen = (shorter < lengths) & (lengths <= width)
        packing = Packing(tf.boolean_mask(mask, chosen)[:, :width], heads, query_key_value.dtype)
        places.append(tf.where(tf.gather(chosen, rows))[:, 0])
        attended.append(self_attention(tf.gather(query_key_value, places[-1]), packing))
        shorter = width
    order = tf.math.invert_permutation(tf.concat(places, axis=0))
    return tf.gather(tf.concat(attended, axis=0), order)

"""Attention for inference, which does little work in another way than much."""

import tensorflow as tf

from kerasbert.models.transformer import attend

# Scores, of all rows and heads. To compute so many takes less time than to wake oneDNN's threads for them.
LITTLE = 8192


def is_little(bias: tf.Tensor, heads: int) -> tf.Tensor:
    """Returns whether there are at most `LITTLE` scores, bool [].

    Args:
        bias: of the scores, [batch, 1, 1, length].
        heads: of attention.
    """
    length = tf.shape(bias)[3]
    return tf.size(bias) * heads <= LITTLE // tf.maximum(length, 1)  # their product may be beyond int32


def attend_by_size(
    little: tf.Tensor, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Returns what `attend` does; where there is `little` to do, by operations that stay what they are.

    TensorFlow makes oneDNN's of the usual ones for batched products and softmax.
    """

    def attend_to_little() -> tf.Tensor:
        scores = tf.raw_ops.BatchMatMulV3(x=query, y=key, Tout=query.dtype, adj_y=True)
        weights = tf.exp(tf.nn.log_softmax(scores + bias))
        return tf.raw_ops.BatchMatMulV3(x=weights, y=value, Tout=query.dtype)

    return tf.cond(little, attend_to_little, lambda: attend(query, key, value, bias))

"""Weights of the places of a batch."""

import tensorflow as tf


def of_mean_one(weights: tf.Tensor) -> tf.Tensor:
    """Scales weights so that the mean over all places is the mean over the real ones.

    It is right on any number of replicas too, which see a part of the batch each.
    """
    size = tf.cast(tf.size(weights), tf.float32)
    return tf.math.divide_no_nan(weights * size, tf.reduce_sum(weights))

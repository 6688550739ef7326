"""GELU (Hendrycks & Gimpel 2016, section 2), with its derivative in closed form.

TensorFlow's own is differentiated operation by operation, and in 16 bits rounds after each.
"""

import math
from collections.abc import Callable

import tensorflow as tf


@tf.custom_gradient
def gelu(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Returns x times the normal distribution function of x."""
    wide = tf.cast(x, tf.float32)
    share = 0.5 + 0.5 * tf.math.erf(wide * math.sqrt(0.5))

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        density = tf.exp(wide * (wide * -0.5)) * (1.0 / math.sqrt(2.0 * math.pi))
        return upstream * tf.cast(share + wide * density, x.dtype)

    return tf.cast(wide * share, x.dtype), gradient


@tf.custom_gradient
def gelu_tanh(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Returns the approximation of `gelu` by the hyperbolic tangent."""
    wide = tf.cast(x, tf.float32)
    scale = math.sqrt(2.0 / math.pi)
    squared = wide * wide
    bent = tf.tanh(wide * (scale + (scale * 0.044715) * squared))
    share = 0.5 + 0.5 * bent

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        slope = (1.0 - bent * bent) * (0.5 * scale + (1.5 * scale * 0.044715) * squared)
        return upstream * tf.cast(share + wide * slope, x.dtype)

    return tf.cast(wide * share, x.dtype), gradient

"""Numerical integration along the path from the baseline to the text, with adaptive accuracy."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# An integral is accepted when its error against the known change is at most the larger of these.
RELATIVE_ERROR = 0.01
ABSOLUTE_ERROR = 1e-3  # of log-odds: far below what moves a decision, above the noise of float32
_MOST_PANELS = 16
_POINTS = 8


def integrate(
    slope: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], nothing: tf.Tensor, change: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Integrates `slope` from 0 to 1, each row until its values sum to `change`.

    Gauss-Legendre quadrature of 8 points on 1, 2, 4, ... 16 panels, one point at a time. A row that is
    good enough is left alone: it costs no more, and its result does not depend on the others.

    Args:
        slope: from a point, a float32 scalar, and which rows are wanted, bool [batch], to their values
            there, float32 [wanted, length].
        nothing: zeros, float32 [batch, length].
        change: the sum of the exact integral, float32 [batch].

    Returns:
        The integral [batch, length], and how far its sum is from `change`, [batch].
    """
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    points = tf.constant((nodes + 1) / 2, tf.float32)
    shares = tf.constant(weights / 2, tf.float32)
    tolerance = tf.maximum(RELATIVE_ERROR * tf.abs(change), ABSOLUTE_ERROR)

    def estimate(panels: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        width = 1 / tf.cast(panels, tf.float32)

        def add(index: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            panel, node = tf.cast(index // _POINTS, tf.float32), index % _POINTS
            return index + 1, total + shares[node] * width * slope((panel + points[node]) * width, wanted)

        start = [0, tf.boolean_mask(nothing, wanted)]
        _, total = tf.while_loop(lambda index, _: index < panels * _POINTS, add, start, parallel_iterations=1)
        return total

    def refine(panels: tf.Tensor, integral: tf.Tensor, error: tf.Tensor) -> tuple[tf.Tensor, ...]:
        wanted = error > tolerance
        finer = tf.tensor_scatter_nd_update(integral, tf.where(wanted), estimate(panels, wanted))
        missed = tf.abs(tf.reduce_sum(finer, axis=1) - change)
        better = wanted & (missed < error)
        return 2 * panels, tf.where(better[:, None], finer, integral), tf.where(better, missed, error)

    def unfinished(panels: tf.Tensor, _: tf.Tensor, error: tf.Tensor) -> tf.Tensor:
        return (panels <= _MOST_PANELS) & tf.reduce_any(error > tolerance)

    unknown = tf.fill(tf.shape(change), np.float32(np.inf))
    _, integral, error = tf.while_loop(unfinished, refine, [1, nothing, unknown], parallel_iterations=1)
    return integral, error

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import erf

from kerasbert.models.gelu import gelu, gelu_tanh

VALUES = np.concatenate([np.linspace(-12, 12, 4001), [-1e4, 1e4, 0.0]]).astype(np.float32)


def gradient(function, values: np.ndarray) -> np.ndarray:
    x = tf.constant(values)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


def test_gelu_is_its_formula():
    wide = VALUES.astype(np.float64)
    share = 0.5 * (1 + erf(wide / np.sqrt(2)))
    np.testing.assert_allclose(gelu(tf.constant(VALUES)), wide * share, atol=2e-6)
    density = np.exp(-wide * wide / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(gradient(gelu, VALUES), share + wide * density, atol=2e-6)


@pytest.mark.parametrize(("ours", "approximate"), [(gelu, False), (gelu_tanh, True)])
def test_both_are_keras_own(ours, approximate: bool):
    keras_own = lambda x: keras.activations.gelu(x, approximate=approximate)  # noqa: E731
    np.testing.assert_allclose(ours(tf.constant(VALUES)), keras_own(tf.constant(VALUES)), atol=2e-6)
    np.testing.assert_allclose(gradient(ours, VALUES[:-3]), gradient(keras_own, VALUES[:-3]), atol=1e-5)


@pytest.mark.parametrize("ours", [gelu, gelu_tanh])
def test_sixteen_bits_are_rounded_once(ours):
    values = tf.cast(VALUES, tf.bfloat16)
    exact = tf.cast(ours(tf.cast(values, tf.float32)), tf.bfloat16)
    np.testing.assert_array_equal(tf.cast(ours(values), tf.float32), tf.cast(exact, tf.float32))

import platform

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kerasbert.inference.dense import Dense

needs_onednn = pytest.mark.skipif(platform.machine() != "x86_64", reason="8-bit products need oneDNN")
FLOATS = st.floats(-10, 10, width=32)


def layer(rows: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scales = np.exp(random.normal(size=24))  # columns of very different size
    kernel = (random.normal(size=(16, 24)) * scales).astype(np.float32)
    return (
        random.normal(size=(rows, 16)).astype(np.float32),
        kernel,
        random.normal(size=24).astype(np.float32),
    )


def gelu(x: np.ndarray, name: str | None) -> np.ndarray:
    if name is None:
        return x
    return tf.nn.gelu(tf.constant(x), approximate=name == "GeluApproximate").numpy()


@pytest.mark.parametrize("name", [None, "GeluExact", "GeluApproximate"])
@pytest.mark.parametrize(
    ("dtype", "int8", "error"),
    [
        ("float32", False, 1e-6),
        ("bfloat16", False, 2e-2),
        pytest.param("float32", True, 3e-2, marks=needs_onednn),
    ],
)
def test_it_is_the_product_and_the_activation(name, dtype, int8, error):
    x, kernel, bias = layer()
    dense = Dense(kernel, bias, tf.as_dtype(dtype), int8, name)
    y = tf.function(dense)(tf.cast(x, dtype))
    wanted = gelu(x @ kernel + bias, name)
    assert y.dtype == dtype
    scale = np.abs(x @ kernel).max(axis=0)
    assert np.max(np.abs(tf.cast(y, tf.float32) - wanted) / scale) < error


@needs_onednn
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_int8_gives_the_integer_arithmetic_of_its_definition(dtype):
    x, kernel, bias = layer()
    dense = Dense(kernel, bias, tf.as_dtype(dtype), int8=True)
    scale_x, scale_k = np.abs(x).max() / 127, np.abs(kernel).max(axis=0) / 127
    integers = np.rint(x / scale_x).astype(int) @ np.rint(kernel / scale_k).astype(int)
    y = tf.cast(tf.function(dense)(tf.constant(x)), tf.float32)
    np.testing.assert_allclose(
        y, integers * scale_x * scale_k + bias, rtol=1e-2 if dtype == "bfloat16" else 1e-4, atol=1e-4
    )


@needs_onednn
def test_calibrated_a_row_does_not_feel_the_row_beside_it_and_what_is_beyond_the_range_saturates():
    x, kernel, bias = layer()
    dense = Dense(kernel, bias, tf.float32, int8=True)
    dense.calibrate(tf.constant(x))
    quantized = tf.function(dense)
    alone = quantized(tf.constant(x)).numpy()
    together = quantized(tf.constant(np.concatenate([x, 1e6 * x]))).numpy()
    np.testing.assert_array_equal(together[: len(x)], alone)
    assert np.isfinite(together).all()
    scale = np.abs(x @ kernel).max(axis=0)
    assert np.max(np.abs(alone - (x @ kernel + bias)) / scale) < 6e-2


@pytest.fixture(scope="module")
def quantized():
    _, kernel, bias = layer()
    return tf.function(
        Dense(kernel, bias, tf.float32, int8=True), input_signature=[tf.TensorSpec([None, 16], tf.float32)]
    )


@needs_onednn
@settings(max_examples=30, deadline=None)
@example(np.full((1, 16), 1 / 256, np.float32))  # a small range of inputs is used whole
@given(arrays(np.float32, st.tuples(st.integers(0, 4), st.just(16)), elements=FLOATS))
def test_int8_takes_any_batch(quantized, x):
    _, kernel, bias = layer()
    y = quantized(tf.constant(x))
    assert y.shape == (len(x), 24)
    # Half a step of each operand, at most.
    step = np.abs(x).max(initial=0) / 127
    error = 0.5 * step * np.abs(kernel).sum(axis=0) + 0.5 * np.abs(kernel).max(axis=0) / 127 * np.abs(x).sum(
        axis=1, keepdims=True
    )
    assert (np.abs(y - (x @ kernel + bias)) <= 1.02 * error + 1e-4).all()


@needs_onednn
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", [None, "GeluExact", "GeluApproximate"])
def test_between_two_calibrated_layers_there_are_only_integers(name, dtype):
    x, kernel, bias = layer()
    second = Dense(kernel.T.copy(), bias[:16], tf.as_dtype(dtype), int8=True)
    apart, joined = (Dense(kernel, bias, tf.as_dtype(dtype), True, name, then) for then in (None, second))
    for first in (apart, joined):
        second.calibrate(first.calibrate(tf.constant(x)))
    x = tf.cast(x, dtype)
    integers = tf.function(joined)(x)
    assert integers.dtype == tf.qint8
    expected = tf.cast(tf.function(lambda x: second(apart(x)))(x), tf.float32).numpy()
    answer = tf.cast(tf.function(lambda x: second(joined(x)))(x), tf.float32).numpy()
    # The first layer's bfloat16 is no longer rounded to: an integer may be the next one.
    np.testing.assert_allclose(answer, expected, atol=2e-2 * np.abs(expected).max())


@needs_onednn
def test_a_column_of_zeros_stays_one():
    x, kernel, bias = layer()
    kernel[:, 3] = 0
    y = tf.function(Dense(kernel, bias, tf.float32, int8=True))(tf.constant(x))
    np.testing.assert_allclose(y[:, 3], np.full(len(x), bias[3]), atol=1e-6)


@pytest.mark.parametrize(("dtype", "int8", "error"), [("bfloat16", False, 1e-2), ("float32", True, 4e-2)])
def test_in_float32_only_the_weights_are_rounded(dtype, int8, error):
    x, kernel, bias = layer()
    dense = Dense(kernel, bias, tf.as_dtype(dtype), int8)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        y = dense.in_float32(tensor)
    assert y.dtype == tf.float32
    assert np.max(np.abs(y - (x @ kernel + bias)) / np.abs(x @ kernel).max(axis=0)) < error
    np.testing.assert_allclose(
        tape.gradient(y, tensor), np.tile(kernel.sum(axis=1), (len(x), 1)), rtol=0.1, atol=0.2
    )

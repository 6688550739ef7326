import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from kerasbert.config import HeadConfig
from kerasbert.tasks.head import dense_head, pool

LENGTHS = (1, 4, 7)  # real tokens of the rows, 7 places each
POOLINGS = ("cls", "mean", "max", "mean_max")


def encoded(padding: float) -> dict[str, tf.Tensor]:
    """Two outputs of an encoder, all negative, with `padding` past each row's end."""
    random = np.random.default_rng(0)
    tokens = random.uniform(-5, -1, size=(3, 7, 4)).astype(np.float32)
    for row, length in enumerate(LENGTHS):
        tokens[row, length:] = padding
    pooled = random.normal(size=(3, 4)).astype(np.float32)
    return {"sequence_output": tf.constant(tokens), "pooled_output": tf.constant(pooled)}


def mask() -> tf.Tensor:
    return tf.sequence_mask(LENGTHS, 7, tf.int32)


def reference(pooling: str, row: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    mean, highest = row.mean(axis=0), row.max(axis=0)
    return {"cls": pooled, "mean": mean, "max": highest, "mean_max": np.concatenate([mean, highest])}[pooling]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("padding", [0.0, 100.0, -100.0])
def test_pool_sees_real_tokens_only(pooling: str, padding: float):
    outputs = encoded(padding)
    result = pool(outputs, mask(), pooling).numpy()
    for row, length in enumerate(LENGTHS):
        tokens = outputs["sequence_output"].numpy()[row, :length]
        expected = reference(pooling, tokens, outputs["pooled_output"].numpy()[row])
        np.testing.assert_allclose(result[row], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max"])
def test_pool_of_bfloat16_tokens_is_float32(pooling: str):
    half = {name: tf.cast(value, tf.bfloat16) for name, value in encoded(0.0).items()}
    whole = {name: tf.cast(value, tf.float32) for name, value in half.items()}
    result = pool(half, mask(), pooling)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, pool(whole, mask(), pooling), rtol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_dense_head_is_affine_in_the_pooled_tokens(pooling: str):
    inputs = {"sequence_output": keras.Input((7, 4)), "pooled_output": keras.Input((4,))}
    padding_mask = keras.Input((7,), dtype="int32")
    head = dense_head(inputs, padding_mask, HeadConfig(pooling=pooling, dropout=0.5), units=3)
    model = keras.Model([inputs, padding_mask], head)
    kernel, bias = (weight.numpy() for weight in model.weights)
    outputs = encoded(0.0)
    expected = pool(outputs, mask(), pooling).numpy() @ kernel + bias
    np.testing.assert_allclose(model([outputs, mask()], training=False), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", [0.0, 100.0, -100.0])
def test_attention_is_the_mean_of_real_tokens_by_weights_that_are_alike_at_first(padding: float):
    inputs = {"sequence_output": keras.Input((7, 4))}
    padding_mask = keras.Input((7,), dtype="int32")
    head = dense_head(inputs, padding_mask, HeadConfig(pooling="attention"), units=3)
    model = keras.Model([inputs, padding_mask], head)
    direction, kernel, bias = model.weights
    outputs = {"sequence_output": encoded(padding)["sequence_output"]}
    mean = pool(outputs, mask(), "mean").numpy() @ kernel.numpy() + bias.numpy()
    np.testing.assert_allclose(model([outputs, mask()], training=False), mean, rtol=1e-5, atol=1e-6)
    direction.assign([[1.0], [-2.0], [0.5], [3.0]])
    logits = model([outputs, mask()], training=False).numpy()
    for row, length in enumerate(LENGTHS):
        tokens = outputs["sequence_output"].numpy()[row, :length].astype(np.float64)
        pooled = scipy.special.softmax(tokens @ direction.numpy()[:, 0]) @ tokens
        np.testing.assert_allclose(logits[row], pooled @ kernel.numpy() + bias.numpy(), rtol=1e-5, atol=1e-6)


def test_dropout_acts_in_training_only():
    inputs = {"sequence_output": keras.Input((7, 4)), "pooled_output": keras.Input((4,))}
    padding_mask = keras.Input((7,), dtype="int32")
    head = dense_head(inputs, padding_mask, HeadConfig(pooling="mean", dropout=0.5), units=3)
    model = keras.Model([inputs, padding_mask], head)
    outputs = [encoded(0.0), mask()]
    assert np.array_equal(model(outputs, training=False), model(outputs, training=False))
    assert not np.array_equal(model(outputs, training=True), model(outputs, training=True))

"""The encoder gives what KerasHub's BertBackbone gives."""

import keras
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.models.encoder import Encoder, _dropout
from kerasbert.models.keras_hub_layers import embedding_tables

SIZES = {
    "vocabulary_size": 30, "num_layers": 2, "num_heads": 4, "hidden_dim": 16, "intermediate_dim": 24,
    "max_sequence_length": 12,
}  # fmt: skip
LENGTHS = (1, 7, 10, 4)


def pair(**values) -> tuple[keras_nlp.models.BertBackbone, Encoder]:
    stock = keras_nlp.models.BertBackbone(**{**SIZES, **values})
    encoder = Encoder(**{**SIZES, **values})
    random = np.random.default_rng(0)
    for weight, other in zip(stock.weights, encoder.weights, strict=True):
        assert weight.path.split("/")[1:] == other.path.split("/")[1:]
        weight.assign(random.normal(size=weight.shape) * 0.3)
        other.assign(weight)
    return stock, encoder


def batch(lengths=LENGTHS, width: int = 10) -> dict[str, tf.Tensor]:
    random = np.random.default_rng(1)
    shape = (len(lengths), width)
    return {
        "token_ids": tf.constant(random.integers(0, 30, shape), tf.int32),
        "segment_ids": tf.constant(random.integers(0, 2, shape), tf.int32),
        "padding_mask": tf.sequence_mask(lengths, width, tf.int32),
    }


def test_outputs_are_those_of_the_stock_backbone_on_real_tokens_and_zero_elsewhere():
    stock, encoder = pair()
    inputs = batch()
    ours, theirs = encoder(inputs), stock(inputs)
    real = inputs["padding_mask"].numpy().astype(bool)
    np.testing.assert_allclose(ours["pooled_output"], theirs["pooled_output"], atol=2e-6)
    sequence = ours["sequence_output"].numpy()
    np.testing.assert_allclose(sequence[real], theirs["sequence_output"].numpy()[real], atol=2e-6)
    assert not sequence[~real].any()


def test_gradients_are_those_of_the_stock_backbone():
    inputs = batch()
    real = tf.cast(inputs["padding_mask"], tf.float32)[..., None]
    target = tf.constant(np.random.default_rng(2).normal(size=(4, 10, 16)), tf.float32)

    def gradients(backbone):
        with tf.GradientTape() as tape:
            outputs = backbone(inputs, training=True)
            loss = tf.reduce_sum(outputs["sequence_output"] * target * real)
            loss += tf.reduce_sum(outputs["pooled_output"] * target[:, 0])
        weights = [weight.value for weight in backbone.trainable_weights]
        return [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)]

    stock, encoder = pair(dropout=0.0)
    for weight, ours, theirs in zip(stock.weights, gradients(encoder), gradients(stock), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5, err_msg=weight.path)


@pytest.mark.parametrize("layers", [1, 3])
def test_cls_alone_is_that_of_the_whole_and_so_are_its_gradients(layers: int):
    _, encoder = pair(num_layers=layers, dropout=0.0)
    inputs = batch()
    target = tf.constant(np.random.default_rng(2).normal(size=(4, 16)), tf.float32)

    def answers(**how) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            outputs = encoder(inputs, training=True, **how)
            loss = tf.reduce_sum(outputs["pooled_output"] * target)
        assert ("sequence_output" in outputs) == how.get("return_sequence", True)
        weights = [weight.value for weight in encoder.trainable_weights]
        gradients = tape.gradient(loss, weights)
        return [outputs["pooled_output"].numpy(), *map(tf.convert_to_tensor, gradients)]

    for alone, one in zip(answers(return_sequence=False), answers(), strict=True):
        np.testing.assert_allclose(alone, one, rtol=1e-4, atol=2e-5)


def test_hidden_states_are_those_of_all_tokens_even_where_cls_alone_is_wanted():
    stock, encoder = pair()
    inputs = batch()
    outputs = encoder(inputs, return_sequence=False, return_hidden_states=True)
    assert set(outputs) == {"pooled_output", "hidden_states"}
    real = inputs["padding_mask"].numpy().astype(bool)
    first, *_, last = outputs["hidden_states"]
    assert len(outputs["hidden_states"]) == 3
    np.testing.assert_array_equal(first, encoder.embed(inputs))
    np.testing.assert_allclose(last, stock(inputs)["sequence_output"].numpy()[real], atol=2e-6)


@pytest.mark.parametrize("return_sequence", [True, False])
def test_given_embeddings_are_taken_and_have_gradients(return_sequence: bool):
    _, encoder = pair()
    inputs = batch()
    embeddings = encoder.embed(inputs)
    assert embeddings.shape == (sum(LENGTHS), 16)
    expected = encoder(inputs, return_sequence=return_sequence)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        found = encoder(inputs, return_sequence=return_sequence, embeddings=embeddings)
        total = tf.reduce_sum(found["pooled_output"] ** 2)
    np.testing.assert_array_equal(found["pooled_output"], expected["pooled_output"])
    assert tf.reduce_all(tf.reduce_any(tape.gradient(total, embeddings) != 0, axis=1))
    moved = encoder(inputs, return_sequence=return_sequence, embeddings=0.5 * embeddings)
    assert np.abs(moved["pooled_output"] - expected["pooled_output"]).max() > 1e-2


def test_in_half_precision_embeddings_are_summed_before_they_are_rounded():
    _, half = pair(dtype="mixed_bfloat16")
    _, full = pair()
    embeddings = half.embed(batch())
    assert embeddings.dtype == tf.bfloat16
    np.testing.assert_array_equal(embeddings, half(batch(), return_hidden_states=True)["hidden_states"][0])
    first = (batch()["token_ids"][0, :1], [0], batch()["segment_ids"][0, :1])
    summed = sum(map(tf.gather, embedding_tables(full), first))
    rounded = full.embeddings_layer_norm(tf.cast(tf.cast(summed, tf.bfloat16), tf.float32))
    np.testing.assert_array_equal(embeddings[:1], tf.cast(rounded, tf.bfloat16))


def test_padding_changes_nothing():
    _, encoder = pair()
    wide = batch()
    narrow = {name: value[1:2, :7] for name, value in wide.items()}
    np.testing.assert_allclose(
        encoder(wide)["sequence_output"][1, :7], encoder(narrow)["sequence_output"][0], atol=2e-6
    )


@pytest.mark.parametrize("return_sequence", [True, False])
def test_holes_and_numbers_in_the_mask_mean_what_they_mean_to_the_stock_backbone(return_sequence: bool):
    stock, encoder = pair()
    mask = np.random.default_rng(3).integers(0, 2, (12, 10))
    mask[:, 4] = 1  # without a real token every backbone has its own idea
    inputs = {
        name: tf.constant(np.resize(values, (12, 10)), tf.int32) for name, values in batch().items()
    } | {"padding_mask": tf.constant(mask, tf.int32)}
    theirs = stock(inputs)
    marked = tf.constant(mask * np.resize([-1, 2, 2**31 - 1], mask.shape), tf.int32)
    ours = encoder({**inputs, "padding_mask": marked}, return_sequence=return_sequence)
    np.testing.assert_allclose(ours["pooled_output"], theirs["pooled_output"], atol=2e-6)
    if return_sequence:
        np.testing.assert_allclose(
            ours["sequence_output"][mask > 0], theirs["sequence_output"][mask > 0], atol=2e-6
        )


def test_a_row_without_a_real_token_is_finite():
    _, encoder = pair()
    outputs = encoder({name: tf.zeros([2, 4], tf.int32) for name in batch()})
    assert np.isfinite(outputs["pooled_output"]).all()


def test_no_rows_in_no_rows_out():
    _, encoder = pair()
    nothing = {name: value[:0] for name, value in batch().items()}
    assert encoder(nothing, return_sequence=False)["pooled_output"].shape == (0, 16)
    outputs = encoder(nothing)
    assert outputs["pooled_output"].shape == (0, 16)
    assert outputs["sequence_output"].shape == (0, 10, 16)


def test_half_precision_is_near_to_the_stock_backbone():
    stock, encoder = pair(dtype="mixed_bfloat16")
    inputs = batch()
    ours, theirs = encoder(inputs)["pooled_output"], stock(inputs)["pooled_output"]
    assert ours.dtype == theirs.dtype == tf.bfloat16
    exact = pair()[1](inputs)["pooled_output"]
    error = np.abs(tf.cast(theirs, tf.float32) - exact).mean()
    assert np.abs(tf.cast(ours, tf.float32) - exact).mean() < 2 * error


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_keeps_its_share_and_the_mean(rate: float):
    layer = keras.layers.Dropout(rate, seed=1)
    x = tf.ones((333, 333))
    first, second = _dropout(layer, x, True).numpy(), _dropout(layer, x, True).numpy()
    for drawn in (first, second):
        assert set(np.unique(drawn)) == {0.0, np.float32(1 / (1 - rate))}
        dropped = (drawn == 0).mean()
        assert abs(dropped - rate) < 4 * np.sqrt(rate * (1 - rate) / drawn.size)
    # Independent: both drop a number with the square of the rate.
    both = ((first == 0) & (second == 0)).mean()
    assert abs(both - rate**2) < 4 * np.sqrt(rate**2 / first.size)
    # No pattern along rows or columns, as a shared random word would leave.
    for axis in (0, 1):
        spread = (first == 0).mean(axis=axis).std()
        assert spread == pytest.approx(np.sqrt(rate * (1 - rate) / 333), rel=0.2)
    assert _dropout(layer, x, False) is x


@pytest.mark.process
def test_training_drops_and_inference_does_not():
    _, encoder = pair(dropout=0.3)
    inputs = batch()
    one, two = (encoder(inputs, training=True)["pooled_output"].numpy() for _ in range(2))
    assert np.abs(one - two).max() > 1e-2
    one, two = (encoder(inputs)["pooled_output"].numpy() for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_the_seeds_of_the_dropout_are_state_of_the_model():
    _, encoder = pair(dropout=0.3)
    inputs = batch()
    before = [variable.numpy() for variable in encoder.non_trainable_variables]
    one = encoder(inputs, training=True)["pooled_output"].numpy()
    for variable, value in zip(encoder.non_trainable_variables, before, strict=True):
        assert (variable.numpy() != value).any(), variable.path
        variable.assign(value)
    np.testing.assert_array_equal(encoder(inputs, training=True)["pooled_output"], one)

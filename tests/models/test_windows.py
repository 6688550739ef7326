import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import EncoderConfig
from kerasbert.models import build_backbone, windows
from kerasbert.models.windows import WindowRows
from kerasbert.text import SPECIAL_TOKENS, TextGraph, WordPieceVocabulary

LENGTH = 10
SIZES = EncoderConfig(
    num_layers=2,
    hidden_dim=16,
    num_heads=2,
    intermediate_dim=32,
    max_positions=LENGTH,
    activation="gelu",
    layer_norm_epsilon=1e-12,
)
VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, *"abcdefghij"])
TEXTS = ["a b c", " ".join("abcdefghij" * 2), "", " ".join("jihgfedcba" * 9), " ".join("badc" * 3)]


@pytest.fixture(scope="module")
def inputs():
    return TextGraph(VOCABULARY, LENGTH, windows=5)(TEXTS)


@pytest.fixture
def encoder():
    keras.utils.set_random_seed(0)
    encoder = build_backbone(SIZES, len(VOCABULARY), window_length=LENGTH)
    for weight in encoder.weights:
        if len(weight.shape) > 1:
            weight.assign(np.random.default_rng(len(weight.path)).normal(size=weight.shape) * 0.3)
    return encoder


def whole(encoder, inputs):
    """Encodes each window as a row of its own, by the encoder without windows."""
    encoder.window_length = None
    batch, width = inputs["token_ids"].shape
    sequence, pooled = np.zeros([batch, width, 16], np.float32), []
    for row in range(batch):
        of_row = []
        for start in range(0, width, LENGTH):
            window = {name: v[row : row + 1, start : start + LENGTH] for name, v in inputs.items()}
            if np.any(window["padding_mask"]):
                encoded = encoder(window)
                sequence[row, start : start + LENGTH] = encoded["sequence_output"][0]
                of_row.append(encoded["pooled_output"][0])
        pooled.append(np.mean(of_row, axis=0))
    encoder.window_length = LENGTH
    return sequence, np.stack(pooled)


@pytest.mark.process
@pytest.mark.parametrize("at_once", [1, 3, 64])
@pytest.mark.parametrize("training", [False, True])
def test_windows_are_encoded_as_rows_of_their_own(encoder, inputs, at_once, training, monkeypatch):
    monkeypatch.setattr(windows, "AT_ONCE", at_once)
    for layer in encoder._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    sequence, pooled = whole(encoder, inputs)
    encoded = tf.function(encoder)(inputs, training=training)
    np.testing.assert_allclose(encoded["sequence_output"], sequence, atol=1e-5)
    np.testing.assert_allclose(encoded["pooled_output"], pooled, atol=1e-5)
    alone = encoder(inputs, training=training, return_sequence=False)
    np.testing.assert_allclose(alone["pooled_output"], pooled, atol=1e-5)


def test_embeddings_may_be_given(encoder, inputs):
    embeddings = encoder.embed(inputs)
    assert embeddings.shape == (int(tf.reduce_sum(inputs["padding_mask"])), 16)
    given, own = encoder(inputs, embeddings=embeddings), encoder(inputs)
    for name in own:
        np.testing.assert_allclose(given[name], own[name], atol=1e-5)


def test_rows_of_one_window_are_encoded_as_without_windows(encoder):
    inputs = TextGraph(VOCABULARY, LENGTH, windows=5)(["a b c", "", "a b c d e f g h"])
    windowed = encoder(inputs)
    encoder.window_length = None
    plain = encoder(inputs)
    for name in plain:
        np.testing.assert_allclose(windowed[name], plain[name], atol=1e-6)


def test_no_rows(encoder, inputs):
    encoded = encoder({name: values[:0] for name, values in inputs.items()})
    assert encoded["pooled_output"].shape == (0, 16)
    assert encoded["sequence_output"].shape[0] == 0


def test_windows_without_tokens_are_not_computed(inputs):
    windowed = WindowRows(inputs["padding_mask"], LENGTH).split(inputs)
    assert windowed["token_ids"].shape == (1 + 3 + 1 + 5 + 2, LENGTH)


def test_gradients_flow_through_both_outputs(encoder, inputs):
    with tf.GradientTape() as tape:
        encoded = encoder(inputs, training=True)
        loss = tf.reduce_sum(encoded["sequence_output"] ** 2) + tf.reduce_sum(encoded["pooled_output"])
    gradients = tape.gradient(loss, [weight.value for weight in encoder.trainable_weights])
    assert all(np.any(tf.convert_to_tensor(gradient) != 0) for gradient in gradients[:-2])

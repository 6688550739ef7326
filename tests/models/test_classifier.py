import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import EncoderConfig, HeadConfig
from kerasbert.models import build_backbone, build_model
from kerasbert.tasks import Classification

SIZES = EncoderConfig(
    activation="gelu_tanh", num_layers=2, hidden_dim=16, num_heads=2, intermediate_dim=24, max_positions=24
)
ROWS = ([2, 7, 8, 3], [2, 9, 3], [2, 10, 11, 12, 13, 14, 3])


def build(pooling: str, precision: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(0)
    backbone = build_backbone(SIZES, 20, precision)
    model = build_model(backbone, Classification("abc"), HeadConfig(pooling=pooling))
    for weight in model.weights:  # the initial ones are so small that attention hardly attends
        weight.assign(weight + keras.random.normal(weight.shape, stddev=0.3))
    return model


def inputs(rows: list[list[int]], length: int) -> dict[str, tf.Tensor]:
    ids = tf.ragged.constant(rows, dtype=tf.int32).to_tensor(shape=[None, length])
    mask = tf.cast(ids != 0, tf.int32)
    return {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": mask}


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "mean_max"])
def test_padding_never_changes_logits(pooling: str):
    model = build(pooling)
    short = model(inputs(ROWS, 8), training=False).numpy()
    assert np.ptp(short, axis=0).min() > 0.05, "the rows must differ for this to say anything"
    for length in (9, 16, 24):
        np.testing.assert_allclose(model(inputs(ROWS, length), training=False), short, atol=1e-5)


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "mean_max"])
def test_what_stands_in_the_padding_never_matters(pooling: str):
    model = build(pooling)
    clean = inputs(ROWS, 16)
    noise = tf.random.stateless_uniform((3, 16), (0, 1), 5, 20, tf.int32)
    dirty = {
        "token_ids": tf.where(clean["padding_mask"] == 1, clean["token_ids"], noise),
        "segment_ids": 1 - clean["padding_mask"],
        "padding_mask": clean["padding_mask"],
    }
    np.testing.assert_allclose(model(dirty, training=False), model(clean, training=False), atol=1e-5)


@pytest.mark.parametrize("name", ["token_ids", "segment_ids"])
def test_each_input_matters(name: str):
    model = build("mean")
    one = inputs(ROWS, 8)
    two = {**one, name: one[name] + one["padding_mask"]}
    assert np.abs(model(one, training=False) - model(two, training=False)).max() > 1e-3


class ReadsASequence(Classification):
    def head(self, encoded, padding_mask, config):
        return super().head({"pooled_output": encoded["sequence_output"][:, 1]}, padding_mask, config)


class SaysThatItDoesNot(ReadsASequence):
    def needs_sequence(self, config):
        return False


@pytest.mark.parametrize(
    ("task", "pooling", "needed"),
    [
        (Classification, "cls", False),
        (Classification, "mean", True),
        (ReadsASequence, "cls", True),
    ],
)
def test_the_encoder_computes_what_the_head_needs(task: type[Classification], pooling: str, needed: bool):
    model = build_model(build_backbone(SIZES, 20), task("abc"), HeadConfig(pooling=pooling))
    assert model(inputs(ROWS, 8)).shape == (3, 3)
    assert ("sequence_output" in model.head.input) == needed


def test_a_head_gets_no_more_than_it_declares():
    with pytest.raises(KeyError, match="sequence_output"):
        build_model(build_backbone(SIZES, 20), SaysThatItDoesNot("abc"), HeadConfig())


def test_a_head_that_asks_for_what_nobody_has_fails_by_its_name():
    class Asks(Classification):
        def head(self, encoded, padding_mask, config):
            return encoded["hidden_states"]

    with pytest.raises(KeyError, match="hidden_states"):
        build_model(build_backbone(SIZES, 20), Asks("abc"), HeadConfig())


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_embeddings_may_be_given_and_hidden_states_returned(pooling: str):
    model = build(pooling)
    batch = inputs(ROWS, 8)
    expected = model(batch, training=False).numpy()
    embeddings = model.encoder.embed(batch)
    given, hidden_states = model(batch, training=False, embeddings=embeddings, return_hidden_states=True)
    np.testing.assert_allclose(given, expected, atol=1e-5)
    assert [states.shape for states in hidden_states] == [(14, 16)] * 3
    assert np.abs(model(batch, training=False, embeddings=0.5 * embeddings) - expected).max() > 1e-3


@pytest.mark.process
def test_it_is_a_keras_model_that_can_be_part_of_another():
    model = build("mean")
    outer = keras.Model(model.input, keras.ops.softmax(model(model.input)))
    batch = inputs(ROWS, 8)
    np.testing.assert_allclose(outer(batch), tf.nn.softmax(model(batch)), atol=1e-6)
    np.testing.assert_allclose(model.predict(batch, verbose=0), model(batch), atol=1e-6)
    arrays = {name: value.numpy().astype("int64") for name, value in batch.items()}
    np.testing.assert_array_equal(model(arrays), model(batch))


def test_logits_are_float32_in_mixed_precision():
    model = build("mean_max", "mixed_bfloat16")
    assert model.output.dtype == "float32"
    assert model(inputs(ROWS, 8), training=False).dtype == tf.float32


def test_the_encoder_can_be_found():
    model = build("cls")
    assert model.get_layer("backbone") is model.encoder
    assert model.encoder.vocabulary_size == 20

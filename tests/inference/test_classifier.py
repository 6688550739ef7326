import platform

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import Config, HeadConfig, merge, parse_config
from kerasbert.inference import InferenceClassifier
from kerasbert.models import TextClassifier, complete_backbone_config
from kerasbert.tasks import Classification
from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary

pytestmark = pytest.mark.process

CHARACTERS = "手机酒店早餐衣服好快贵无"
TEXTS = ["手机好快", "", "酒店早餐" * 9, "贵", "无" * 100]
SMALL = {
    "backbone": {"num_layers": 2, "hidden_dim": 32, "num_heads": 4, "intermediate_dim": 64},
    "training": {"max_length": 24},
}


@pytest.fixture
def products_of_integers() -> None:
    if platform.machine() != "x86_64":
        pytest.skip("8-bit products need TensorFlow with oneDNN, as on x86-64")


def classifier(**values) -> TextClassifier:
    """Random weights of a size that makes every layer matter."""
    config = parse_config(Config, merge(SMALL, values), where="test")
    config.backbone = complete_backbone_config(config.backbone, config.training.max_length)
    task = Classification(["a", "b", "c"])
    result = TextClassifier(config, task, WordPieceVocabulary([*SPECIAL_TOKENS, *CHARACTERS]))
    random = np.random.default_rng(0)
    for weight in result.model.weights:
        weight.assign_add(random.normal(size=weight.shape) * 0.2)
    return result


def probabilities(model: InferenceClassifier, texts=TEXTS, pairs=None) -> np.ndarray:
    columns = [tf.constant(each, tf.string, shape=[len(each)]) for each in (texts, pairs) if each is not None]
    return tf.function(model)(*columns)["probabilities"].numpy()


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "mean_max"])
def test_in_float32_it_is_the_trainer(pooling, activation):
    trainer = classifier(head={"pooling": pooling}, backbone={"activation": activation})
    answer = probabilities(InferenceClassifier(trainer))
    np.testing.assert_allclose(answer, trainer.predict(TEXTS)["probabilities"], atol=1e-5, rtol=0)
    assert np.ptp(answer, axis=0).max() > 0.01  # texts differ


@pytest.mark.parametrize("pooling", ["cls", "mean_max"])
def test_pairs_and_one_layer(pooling):
    trainer = classifier(head={"pooling": pooling}, backbone={"num_layers": 1}, data={"pair_column": "pair"})
    pairs = TEXTS[::-1]
    expected = trainer.predict(TEXTS, pairs)["probabilities"]
    answer = probabilities(InferenceClassifier(trainer), TEXTS, pairs)
    np.testing.assert_allclose(answer, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("pooling", "needed"), [("cls", False), ("mean", True), ("mean_max", True)])
def test_the_whole_sequence_is_computed_only_for_heads_that_need_it(pooling, needed):
    model = InferenceClassifier(classifier(head={"pooling": pooling}))
    asked = []
    encoder = model._encoder
    model._encoder = lambda inputs, whole, given: (asked.append(whole), encoder(inputs, whole, given))[1]
    model(tf.constant(TEXTS))
    assert asked == [needed]


def test_a_head_of_ones_own_is_kept():
    class TwoLayers(Classification):
        def head(self, encoded, padding_mask, config: HeadConfig):
            import keras

            first = keras.layers.Dense(7, activation="tanh", name="first")(encoded["sequence_output"][:, 0])
            both = keras.layers.Concatenate()([first, encoded["pooled_output"]])
            return keras.layers.Dense(3, dtype="float32", name="second")(both)

    base = classifier()
    task = TwoLayers(["a", "b", "c"])
    trainer = TextClassifier(base.config, task, base.text_graph.vocabulary)
    answer = probabilities(InferenceClassifier(trainer))
    np.testing.assert_allclose(answer, trainer.predict(TEXTS)["probabilities"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_the_answer_to_a_row_does_not_depend_on_its_batch(quantize, request):
    if quantize:
        request.getfixturevalue("products_of_integers")
    model = InferenceClassifier(classifier(head={"pooling": "mean_max"}), quantize=quantize)
    together = probabilities(model)
    alone = np.concatenate([probabilities(model, [text]) for text in TEXTS])
    # Small requests have operations of their own in attention, and int8 may round to the next integer.
    np.testing.assert_allclose(together, alone, atol=1e-2 if quantize else 1e-6, rtol=0)


def test_bfloat16_is_near_and_less_than_float32():
    trainer = classifier()
    difference = (
        probabilities(InferenceClassifier(trainer, "bfloat16")) - trainer.predict(TEXTS)["probabilities"]
    )
    assert 1e-6 < np.abs(difference).max() < 5e-2


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.usefixtures("products_of_integers")
def test_int8_is_near_and_less_than_float32(precision):
    trainer = classifier()
    answer = probabilities(InferenceClassifier(trainer, precision, "int8"))
    assert 1e-6 < np.abs(answer - trainer.predict(TEXTS)["probabilities"]).max() < 0.2
    assert probabilities(InferenceClassifier(trainer, precision, "int8"), []).shape == (0, 3)


def test_from_given_embeddings_rounded_weights_are_all_that_differs():
    trainer = classifier()
    model = InferenceClassifier(trainer, "bfloat16")
    inputs = trainer.text_graph(tf.constant(TEXTS))
    exact = tf.nn.softmax(model.logits(inputs, model.embed(inputs)))
    coarse = probabilities(model)
    expected = trainer.predict(TEXTS)["probabilities"]
    assert 0 < np.abs(exact - expected).max() < 5e-2
    assert np.abs(exact - coarse).max() > 0


def test_embeddings_are_the_trainers_and_may_be_others():
    trainer = classifier()
    model = InferenceClassifier(trainer)
    inputs = trainer.text_graph(tf.constant(TEXTS))
    embeddings = trainer.embed(inputs)
    np.testing.assert_allclose(model.embed(inputs), embeddings, atol=1e-5)
    changed, expected = (each.logits(inputs, 0.5 * embeddings) for each in (model, trainer))
    np.testing.assert_allclose(changed, expected, atol=1e-4)
    assert np.abs(changed - model.logits(inputs)).max() > 1e-2

"""From logits to answers: the temperature comes before what the task decides."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, softmax

from kerasbert.config import DecisionConfig
from kerasbert.tasks import Classification, MultiLabel
from kerasbert.tasks.decision import confidence, decide

LOGITS = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32) * 3
LABELS = ("a", "b", "c")


def run(task, **config) -> dict[str, np.ndarray]:
    outputs = tf.function(lambda z: decide(task, DecisionConfig(**config), z))(tf.constant(LOGITS))
    return {name: value.numpy() for name, value in outputs.items()}


@pytest.mark.process
@pytest.mark.parametrize("task", [Classification(LABELS), MultiLabel(LABELS)])
def test_without_a_temperature_the_answers_are_the_tasks_own_to_the_last_bit(task):
    for name, value in tf.function(task.decide)(tf.constant(LOGITS)).items():
        np.testing.assert_array_equal(run(task)[name], value.numpy())


def test_the_temperature_divides_the_logits():
    outputs = run(Classification(LABELS), temperature=2.5)
    np.testing.assert_allclose(outputs["probabilities"], softmax(LOGITS / 2.5, axis=1), atol=1e-6)
    np.testing.assert_allclose(outputs["score"], outputs["probabilities"].max(axis=1))
    np.testing.assert_array_equal(outputs["label_id"], LOGITS.argmax(axis=1))


def test_thresholds_are_those_of_the_calibrated_probabilities():
    outputs = run(MultiLabel(LABELS, {"threshold": 0.7}), temperature=2.0)
    np.testing.assert_array_equal(outputs["selected"], expit(LOGITS / 2.0) >= 0.7)


def test_without_rejection_nothing_is_accepted_or_not():
    assert "accepted" not in run(Classification(LABELS))


@pytest.mark.parametrize("below", [0.0, 0.5, 0.9, 1.0])
def test_answers_are_accepted_from_the_threshold_on(below: float):
    outputs = run(Classification(LABELS), temperature=2.0, reject_below=below)
    assert outputs["accepted"].dtype == bool
    np.testing.assert_array_equal(outputs["accepted"], softmax(LOGITS / 2, axis=1).max(axis=1) >= below)


def test_the_confidence_in_several_labels_is_that_all_are_right():
    outputs = run(MultiLabel(LABELS, {"threshold": 0.3}), reject_below=0.5)
    chances = np.where(outputs["selected"] > 0, outputs["probabilities"], 1 - outputs["probabilities"])
    np.testing.assert_allclose(confidence(outputs).numpy(), chances.prod(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(outputs["accepted"], chances.prod(axis=1) >= 0.5)
    old = {**outputs, "given": outputs["selected"]}
    del old["selected"]  # as in earlier exports
    np.testing.assert_array_equal(confidence(old), confidence(outputs))
    others = 1 - outputs["selected"]  # of an earlier task, which overrides `given` alone
    expected = confidence({**outputs, "selected": others, "given": others})
    np.testing.assert_array_equal(confidence({**outputs, "given": others}), expected)


def test_no_rows_are_no_error():
    decided = decide(Classification(LABELS), DecisionConfig(reject_below=0.5), tf.zeros([0, 3]))
    assert decided["accepted"].shape == [0]

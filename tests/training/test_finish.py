"""The end of a training: one prediction, from which all is decided."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from kerasbert_spam import Spam
from scipy.special import softmax

from kerasbert.config import DecisionConfig
from kerasbert.models import TextClassifier
from kerasbert.tasks import Classification
from kerasbert.training import TrainResult, calibrate, train
from kerasbert.training.temperature import Fit


@pytest.mark.slow
@pytest.mark.process
def test_validation_rows_are_predicted_once(tiny_config, monkeypatch):
    traced, predicted = [], []
    logits, predict = TextClassifier.logits, TextClassifier.predict_logits
    monkeypatch.setattr(TextClassifier, "logits", lambda *given: traced.append(1) or logits(*given))
    monkeypatch.setattr(
        TextClassifier,
        "predict_logits",
        lambda self, *rows: predicted.extend(rows[0]) or predict(self, *rows),
    )
    result = train(tiny_config(training={"epochs": 1}))
    assert sorted(predicted) == sorted(result.prepared.validation.texts)
    result.model.predict("手机很好")
    assert len(traced) == 1


@pytest.mark.process
def test_the_outputs_are_those_of_the_loaded_run(trained: TrainResult):
    rows = trained.prepared.validation
    loaded = trained.run.load().predict(rows.texts)
    assert loaded.keys() == trained.outputs.keys()
    np.testing.assert_array_equal(trained.outputs["label"], loaded["label"])
    np.testing.assert_allclose(trained.outputs["probabilities"], loaded["probabilities"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.process
def test_the_decision_is_the_calibrated_one(tiny_config, monkeypatch):
    """Spam's threshold is chosen on the validation rows: the classifier in memory decides by it."""
    rows = {"label_map": {"negative": "ham", "positive": "spam"}}
    result = train(tiny_config(task="spam", data=rows, training={"epochs": 1, "learning_rate": 1e-4}))
    options = result.run.load_config().task_options
    assert options["threshold"] != 0.5
    spam = result.outputs["probabilities"][:, 1] >= options["threshold"]
    np.testing.assert_array_equal(result.outputs["label_id"], spam)
    answers = result.model.predict(result.prepared.validation.texts)
    assert [answer["label"] == "spam" for answer in answers] == spam.tolist()


@pytest.mark.slow
@pytest.mark.process
def test_the_temperature_is_kept_and_applied(tiny_config, monkeypatch):
    """In the run, in the classifier in memory, and before a threshold is chosen."""
    seen = {}

    def fit(logits, targets, several):
        seen["logits"], seen["several"] = logits, several
        return Fit(temperature=2.5, best=2.5, loss=0.6, cross_validated=0.5)

    monkeypatch.setattr(calibrate, "fit_temperature", fit)
    monkeypatch.setattr(Spam, "calibrate", lambda self, *given: seen.update(given=given) or self.options)
    rows = {"label_map": {"negative": "ham", "positive": "spam"}}
    result = train(tiny_config(task="spam", data=rows, training={"epochs": 1}))
    expected = softmax(seen["logits"] / 2.5, axis=1)
    np.testing.assert_allclose(seen["given"][0], expected, atol=1e-6)
    np.testing.assert_allclose(result.outputs["probabilities"], expected, atol=1e-6)
    loaded = result.run.load()
    assert loaded.config.decision.temperature == result.model.temperature == 2.5
    answers = loaded.predict(result.prepared.validation.texts)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    metrics = result.metrics["calibration"]
    assert not seen["several"]
    assert metrics["temperature"] == metrics["fitted_temperature"] == 2.5
    assert metrics["nll"] != metrics["uncalibrated"]["nll"]


@pytest.mark.process
def test_what_is_set_of_the_decision_stays(tiny_config):
    decision = {"calibrate": False, "temperature": 3.0, "reject_below": 0.7}
    result = train(tiny_config(decision=decision, training={"epochs": 1}))
    kept = result.run.load_config().decision
    assert (kept.temperature, kept.reject_below) == (3.0, 0.7)
    assert "fitted_temperature" not in result.metrics["calibration"]
    np.testing.assert_array_equal(result.outputs["accepted"], result.outputs["score"] >= np.float32(0.7))


def test_probabilities_that_are_not_of_the_logits_are_left_alone():
    class Odd(Classification):
        def decide(self, logits):
            return self.outputs(tf.argmax(logits, axis=-1), tf.nn.softmax(logits) ** 2)

    config = SimpleNamespace(decision=DecisionConfig(temperature=2.0), task_options={})
    logits = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32) * 9
    assert calibrate.calibrate(Odd(["a", "b"]), config, logits, np.eye(2)[logits.argmin(axis=1)]) == {}
    assert config.decision.temperature == 1


@pytest.mark.process
def test_what_is_rejected_is_chosen_last(tiny_config):
    decision = {"accepted_accuracy": 0.9, "reject_below": 0.123}
    result = train(tiny_config(decision=decision, training={"epochs": 1, "learning_rate": 1e-4}))
    chosen = result.run.load_config().decision
    assert chosen.reject_below != 0.123
    accepted = result.outputs["score"] >= np.float32(chosen.reject_below)
    np.testing.assert_array_equal(result.outputs["accepted"], accepted)
    assert result.metrics["rejection"]["coverage"] == accepted.mean()
    answers = result.model.predict(result.prepared.validation.texts)
    again = np.array([answer["accepted"] for answer in answers])
    # The threshold is the score of a row, which another batch may round to the other side.
    clear = np.abs(result.outputs["score"] - chosen.reject_below) > 1e-6
    assert clear.any()
    np.testing.assert_array_equal(again[clear], accepted[clear])

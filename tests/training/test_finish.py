"""The end of a training: one prediction, from which all is decided."""

import numpy as np

from kerasbert.models import TextClassifier
from kerasbert.training import TrainResult, train


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


def test_the_outputs_are_those_of_the_loaded_run(trained: TrainResult):
    rows = trained.prepared.validation
    loaded = trained.run.load().predict(rows.texts)
    assert loaded.keys() == trained.outputs.keys()
    np.testing.assert_array_equal(trained.outputs["label"], loaded["label"])
    np.testing.assert_allclose(trained.outputs["probabilities"], loaded["probabilities"], atol=1e-6)


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

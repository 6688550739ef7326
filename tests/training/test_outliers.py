"""Which texts are too far from those of the training to be answered."""

import numpy as np
import pytest

from kerasbert import open_model
from kerasbert.data import Rows
from kerasbert.export import export_model
from kerasbert.models import TextClassifier
from kerasbert.predictors import open_for_few
from kerasbert.training import prepare, train
from kerasbert.training.outliers import fit_outliers, squares_by_length

pytestmark = pytest.mark.process


@pytest.mark.slow
def test_a_share_of_the_validation_rows_and_other_texts_are_rejected(tiny_config):
    result = train(tiny_config(decision={"reject_outliers": 0.1}, training={"epochs": 1}))
    distance, accepted = result.outputs["distance"], result.outputs["accepted"]
    np.testing.assert_array_equal(accepted, distance <= 1)
    rows = len(result.prepared.validation)
    assert 1 - np.floor(0.1 * rows) / rows == accepted.mean() == result.metrics["rejection"]["coverage"]
    model = open_model(result.run.path)
    again = model.predict_batch(result.prepared.validation.texts)
    np.testing.assert_allclose(again["distance"], distance, rtol=1e-5)
    np.testing.assert_array_equal(again["accepted"], accepted)
    few = result.prepared.validation.texts[:3]
    eager = open_for_few(str(result.run.path)).predict_batch(few)
    np.testing.assert_allclose(eager["distance"], distance[:3], rtol=1e-5)
    strange, usual = model.predict(["¿Dónde está la biblioteca? 123 456 !!", result.prepared.train.texts[0]])
    assert strange["distance"] > 1
    assert not strange["accepted"]
    assert usual["accepted"]


def test_texts_that_are_all_the_same_have_finite_distances(tiny_config):
    prepared = prepare(tiny_config(decision={"reject_outliers": 0.01}))
    classifier = TextClassifier(prepared.config, prepared.task, prepared.vocabulary)
    same = Rows(prepared.train.rows[:1] * 3)
    fit_outliers(classifier, same, same)
    assert classifier.predict(same.texts)["accepted"].all()
    assert 1 < classifier.predict(["别的"])["distance"] < np.inf


@pytest.mark.slow
def test_texts_of_several_windows_are_served_with_their_distance(tiny_config, tmp_path):
    settings = {"decision": {"reject_outliers": 0.1}, "text": {"windows": 3}}
    result = train(tiny_config(training={"epochs": 1, "max_length": 8}, **settings))
    assert result.prepared.config.text.windows == 3
    published = export_model(result.run.path, tmp_path / "models")  # compared with the trainer
    texts = ["手机很好" * 20, "手机", ""]
    expected = result.model.predict_batch(texts)["distance"]
    answers = open_model(published.path.parent).predict(texts)
    np.testing.assert_allclose([answer["distance"] for answer in answers], expected, rtol=1e-4)


def test_distances_are_divided_by_those_of_rows_of_the_same_length():
    random = np.random.default_rng(0)
    tokens = random.integers(2, 200, 5_000)
    squares = (30 + 2_000 / tokens) * random.gamma(20, 1 / 20, len(tokens))
    np.testing.assert_allclose(squares_by_length(squares, tokens), [30, 2_000], rtol=0.05)
    # Farther with their length: a line that does not fall is not believed.
    assert squares_by_length(tokens.astype(float), tokens)[1] <= 1e-6

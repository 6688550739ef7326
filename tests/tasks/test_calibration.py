"""How well probabilities are calibrated: held to scikit-learn and to closed forms."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from kerasbert.tasks.calibration import (
    BINS,
    calibration_error,
    calibration_metrics,
    score_calibration,
    without_temperature,
)

RNG = np.random.default_rng(0)


def one_label(rows: int, labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, decisions and truth."""
    probabilities = softmax(2 * RNG.normal(size=(rows, labels)), axis=1)
    decided = np.eye(labels)[probabilities.argmax(axis=1)]
    return probabilities, decided, np.eye(labels)[RNG.integers(0, labels, rows)]


@pytest.mark.parametrize("labels", [2, 3, 7])
def test_loss_and_brier_score_are_those_of_scikit_learn(labels: int):
    probabilities, decided, targets = one_label(200, labels)
    scores = score_calibration(probabilities, decided, targets, several=False)
    truth, names = targets.argmax(axis=1), range(labels)
    assert scores["nll"] == pytest.approx(log_loss(truth, probabilities, labels=names))
    assert scores["brier"] == pytest.approx(brier_score_loss(truth, probabilities, labels=list(names)))


def test_with_several_labels_they_are_the_means_over_the_labels():
    probabilities = RNG.uniform(size=(80, 3))
    targets = (RNG.uniform(size=(80, 3)) < 0.4).astype(float)
    scores = score_calibration(probabilities, probabilities > 0.5, targets, several=True)
    columns = list(zip(targets.T, probabilities.T, strict=True))
    assert scores["nll"] == pytest.approx(np.mean([log_loss(*column) for column in columns]))
    assert scores["brier"] == pytest.approx(np.mean([brier_score_loss(*column) for column in columns]))
    error, _ = calibration_error(probabilities.ravel(), targets.ravel() > 0)
    assert scores["ece"] == error


def test_the_calibration_error_is_the_distance_of_scikit_learns_curve():
    score, right = RNG.uniform(size=500), RNG.uniform(size=500) < 0.3
    shares, means = calibration_curve(right, score, n_bins=BINS)
    counts = np.histogram(score, BINS, (0, 1))[0]
    expected = np.sum(counts[counts > 0] * np.abs(shares - means)) / 500
    assert calibration_error(score, right)[0] == pytest.approx(expected)


def test_a_probability_of_one_is_in_the_last_bin():
    assert calibration_error(np.ones(4), np.array([True, True, True, False]))[0] == 0.25


def test_what_is_by_chance_is_the_error_of_calibrated_probabilities():
    score = np.random.default_rng(1).beta(5, 1, size=300)
    draws = np.random.default_rng(2).uniform(size=(2000, 300)) < score
    errors = [calibration_error(score, right)[0] for right in draws]
    assert calibration_error(score, draws[0])[1] == pytest.approx(np.mean(errors), rel=0.1)


def test_an_impossible_answer_costs_much_but_not_everything():
    scores = score_calibration(np.array([[1.0, 0.0]]), np.array([[1, 0]]), np.array([[0, 1]]), several=False)
    assert 700 < scores["nll"] < 710


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_probabilities_without_the_temperature_come_back(several: bool, temperature: float):
    logits = np.random.default_rng(3).normal(0, 2, size=(50, 4)).astype(np.float32)
    of = expit if several else (lambda z: softmax(z, axis=1))
    given = of(logits / np.float32(temperature))
    # Float32 keeps less of a probability near 1 than of one near 0.
    atol = 1e-3 if several else 1e-5
    np.testing.assert_allclose(without_temperature(given, temperature, several), of(logits), atol=atol)


def test_certain_probabilities_come_back_certain():
    given = np.array([[1.0, 0.0]], np.float32)
    for several in (False, True):
        np.testing.assert_array_equal(without_temperature(given, 2.0, several), given)


def test_the_figures_without_the_temperature_are_told_only_if_there_is_one():
    probabilities, decided, targets = one_label(40, 3)
    outputs = {"probabilities": probabilities}
    assert "uncalibrated" not in calibration_metrics(outputs, decided, targets)
    found = calibration_metrics(outputs, decided, targets, temperature=2.0)
    before = softmax(2 * np.log(probabilities), axis=1)
    assert found["uncalibrated"] == pytest.approx(score_calibration(before, decided, targets, False))

"""How well probabilities are calibrated."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, logit, softmax

from kerasbert.tasks.decision import selected_labels

BINS = 15  # as in Guo et al. 2017


def several_labels(outputs: Mapping[str, np.ndarray]) -> bool:
    """Whether a task's outputs may have several labels a row, each decided by itself."""
    return selected_labels(outputs) is not None


def without_temperature(probabilities: np.ndarray, temperature: float, several: bool) -> np.ndarray:
    """Returns the probabilities at temperature 1 of those at another, float64 [rows, labels]."""
    given = probabilities.astype(float)
    if several:
        return expit(logit(given) * temperature)
    with np.errstate(divide="ignore"):
        return softmax(np.log(given) * temperature, axis=1)


def score_calibration(
    probabilities: np.ndarray, decided: np.ndarray, targets: np.ndarray, several: bool
) -> dict[str, float]:
    """Returns how well probabilities fit the truth.

    - `nll`: negative log-likelihood in nats (`sklearn.metrics.log_loss`);
    - `brier`: Brier score (`sklearn.metrics.brier_score_loss`): of a row, the squared distance of its
      probabilities from the truth, from 0 to 2, and half of it for two labels;
    - `ece`: expected calibration error (Guo et al. 2017, eq. 3): the mean distance between the probability of
      the decided label and the share of such decisions that are right, over 15 bins of equal width;
    - `ece_by_chance`: the `ece` to expect of as many rows with perfectly calibrated probabilities. It is
      not 0, because the rows of a bin are few; a lower `ece` is no better.

    With several labels a row, these are means over labels and rows, `brier` is from 0 to 1, and `ece`
    compares the probability of each label with the share of rows that have it.

    Args:
        probabilities: [rows, labels].
        decided: [rows, labels] of zeros and ones.
        targets: [rows, labels] of zeros and ones.
        several: whether a row may have several labels.
    """
    given = probabilities.astype(float)
    tiny = np.finfo(float).tiny
    squares = np.square(given - targets)
    if several:
        likelihood, brier = np.where(targets > 0, given, 1 - given), squares.mean()
    else:
        likelihood = given[targets > 0]
        brier = squares.sum(axis=1).mean() / (2 if targets.shape[1] == 2 else 1)
    error, chance = calibration_error(*scored(given, decided, targets, several))
    nll = -np.log(np.maximum(likelihood, tiny)).mean()
    return {"nll": float(nll), "brier": float(brier), "ece": error, "ece_by_chance": chance}


def calibration_metrics(
    outputs: Mapping[str, np.ndarray], decided: np.ndarray, targets: np.ndarray, temperature: float = 1.0
) -> dict[str, Any]:
    """Returns `score_calibration` of a task's outputs, `temperature`, and `uncalibrated` if that is not 1.

    Args:
        outputs: of the task; see `Task.decide`.
        decided: [rows, labels] of zeros and ones.
        targets: [rows, labels] of zeros and ones.
        temperature: of the model.
    """
    several, given = several_labels(outputs), outputs["probabilities"]
    metrics: dict[str, Any] = score_calibration(given, decided, targets, several)
    metrics["temperature"] = temperature
    if temperature != 1:
        before = without_temperature(given, temperature, several)
        metrics["uncalibrated"] = score_calibration(before, decided, targets, several)
    return metrics


def scored(
    probabilities: np.ndarray, decided: np.ndarray, targets: np.ndarray, several: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the probabilities that calibration is about, [n], and whether each came true, bool [n].

    They are those of the decided labels, or of all labels where a row may have several.
    """
    if several:
        return probabilities.ravel(), targets.ravel() > 0
    return probabilities[decided > 0], targets[decided > 0] > 0


def calibration_error(score: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Returns the expected calibration error, and what it is by chance if the scores are calibrated.

    Args:
        score: probabilities, float [n].
        right: bool [n].
    """
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    apart = np.bincount(bins, weights=right - score, minlength=BINS)
    variance = np.bincount(bins, weights=score * (1 - score), minlength=BINS)
    # The mean of |x| for a normal x of that variance: the number of hits in a bin is nearly one.
    by_chance = np.sqrt(2 / np.pi * np.maximum(variance, 0))
    return float(np.abs(apart).sum() / len(score)), float(by_chance.sum() / len(score))

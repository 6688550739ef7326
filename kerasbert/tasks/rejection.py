"""What is right among the answers that a model accepts, and how well its confidence ranks them."""

from typing import Any

import numpy as np


def rejection_metrics(
    confidence: np.ndarray, right: np.ndarray, accepted: np.ndarray | None = None
) -> dict[str, Any]:
    """Returns `aurc`, and with rejection `coverage`, `accepted_accuracy` and `rejected_accuracy`.

    `aurc` is the area under the risk-coverage curve (Geifman et al. 2019, https://arxiv.org/abs/1805.08206):
    the mean share of errors among the n most confident rows, over all n. An accuracy of no rows is None.

    Args:
        confidence: float [rows].
        right: whether the decision is right, bool [rows].
        accepted: bool [rows], None without rejection.
    """
    metrics: dict[str, Any] = {"aurc": float((1 - accuracy_by_coverage(confidence, right)).mean())}
    if accepted is None:
        return metrics
    return {
        **metrics,
        "coverage": float(accepted.mean()),
        "accepted_accuracy": float(right[accepted].mean()) if accepted.any() else None,
        "rejected_accuracy": float(right[~accepted].mean()) if not accepted.all() else None,
    }


def accuracy_by_coverage(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns the accuracy of the 1, 2, ... most confident rows, float64 [rows].

    Among rows of equal confidence, it is what any order of these gives on average.
    """
    values, counts = np.unique(-confidence, return_counts=True)
    hits = np.bincount(np.searchsorted(values, -confidence), weights=right)
    ends = np.concatenate([[0], np.cumsum(counts)])
    number = np.arange(1, len(confidence) + 1)
    return np.interp(number, ends, np.concatenate([[0], np.cumsum(hits)])) / number

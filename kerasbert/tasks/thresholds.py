"""The threshold of a label, chosen on validation rows for a wanted precision."""

import numpy as np


def choose_threshold(scores: np.ndarray, truth: np.ndarray, precision: float) -> float | None:
    """Returns the threshold with the highest F1 among those of the wanted precision.

    Where none reaches it, the one with the highest precision. Precision is Laplace's estimate from the
    hits among the called, (hits + 1) / (called + 2): a few lucky rows do not make a threshold precise.

    Args:
        scores: probabilities of the label, float32 [rows].
        truth: whether a row has the label, [rows].
        precision: the wanted share of rows with the label among those from the threshold on.

    Returns:
        None if no row has the label.
    """
    truth = truth > 0
    if not truth.any():
        return None
    thresholds = np.unique(scores)
    # Rows from each threshold on.
    called = len(scores) - np.searchsorted(np.sort(scores), thresholds)
    hits = truth.sum() - np.searchsorted(np.sort(scores[truth]), thresholds)
    estimate, f1 = (hits + 1) / (called + 2), 2 * hits / (called + truth.sum())
    chosen = thresholds[np.argmax(np.where(estimate >= precision, 1.0 + f1, estimate))]
    # Between two scores, so that rounding moves no row across.
    below = np.max(scores[scores < chosen], initial=0.0)
    return float(chosen + below) / 2

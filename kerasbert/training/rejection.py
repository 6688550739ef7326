"""Which answers to reject: a threshold chosen on the validation rows for a wanted accuracy of the others."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

_RISK = 0.05  # of an accuracy below the bound


@dataclass(frozen=True)
class Rejection:
    """A threshold, and what it accepts of the validation rows.

    Attributes:
        threshold: answers of a lower confidence are rejected.
        coverage: share of the rows that are accepted.
        accuracy: of these.
        bound: with 95 % certainty, the accuracy is at least this on further rows like these.
    """

    threshold: float
    coverage: float
    accuracy: float
    bound: float


def choose_rejection(confidence: np.ndarray, right: np.ndarray, wanted: float) -> Rejection:
    """Returns the threshold that accepts the most rows at a wanted accuracy.

    Algorithm 1 of Geifman & El-Yaniv 2017 (https://arxiv.org/abs/1705.08500): a binary search over the
    sorted rows, which believes an accuracy only if its lower Clopper-Pearson bound is at least the wanted
    one, with the risk of error divided among the thresholds that are tried. Where no threshold reaches it,
    the one of the highest bound.

    Args:
        confidence: float32 [rows], at least one row.
        right: whether the decision is right, bool [rows].
        wanted: the accuracy.
    """
    values, counts = np.unique(-confidence, return_counts=True)
    accepted = np.cumsum(counts)  # rows from each threshold on, the highest first
    hits = np.cumsum(np.bincount(np.searchsorted(values, -confidence), weights=right))
    tries = int(np.ceil(np.log2(len(values)))) + 1
    low, high, tried = 0, len(values), []
    place = high - 1  # everything first
    for _ in range(tries):
        bound = lower_bound(hits[place], accepted[place], _RISK / tries)
        tried.append((bound >= wanted, accepted[place] if bound >= wanted else bound, place, bound))
        low, high = (place, high) if bound >= wanted else (low, place)
        place = (low + high) // 2
    _, _, place, bound = max(tried)
    # Between two confidences, so that rounding moves no row across.
    everything = place + 1 == len(values)
    return Rejection(
        threshold=0.0 if everything else -float(values[place] + values[place + 1]) / 2,
        coverage=float(accepted[place] / len(confidence)),
        accuracy=float(hits[place] / accepted[place]),
        bound=float(bound),
    )


def lower_bound(hits: float, rows: int, risk: float) -> float:
    """Returns the lower Clopper-Pearson bound of a share of which `hits` of `rows` were seen."""
    return float(beta.ppf(risk, hits, rows - hits + 1)) if hits else 0.0

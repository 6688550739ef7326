"""Which answers to reject: a threshold chosen on the validation rows for a wanted accuracy of the others."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

_RISK = 0.05  # of an accuracy below the bound
_STEPS = 50  # of the sequence, over all rows


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

    Fixed sequence testing (Angelopoulos et al. 2021, https://arxiv.org/abs/2110.01052): from few accepted
    rows to all of them, an accuracy is believed if its lower Clopper-Pearson bound is at least the wanted
    one, up to the first that is not. The sequence does not depend on which rows are right, so the risk of
    error is not divided among its thresholds. Where not even the first is believed, the threshold of the
    highest bound.

    Args:
        confidence: float32 [rows], at least one row.
        right: whether the decision is right, bool [rows].
        wanted: the accuracy.
    """
    values, counts = np.unique(-confidence, return_counts=True)
    accepted = np.cumsum(counts)  # rows from each threshold on, the highest first
    hits = np.cumsum(np.bincount(np.searchsorted(values, -confidence), weights=right))
    places = _sequence(accepted, wanted)
    bounds = [lower_bound(hits[place], accepted[place], _RISK) for place in places]
    believed = next((n for n, bound in enumerate(bounds) if bound < wanted), len(places))
    if believed:
        place, bound = places[believed - 1], bounds[believed - 1]
    else:
        risk = _RISK / len(places)  # the highest of many is flattered
        bound, place = max((lower_bound(hits[place], accepted[place], risk), place) for place in places)
    # Between two confidences, so that rounding moves no row across.
    everything = place + 1 == len(values)
    return Rejection(
        threshold=0.0 if everything else -float(values[place] + values[place + 1]) / 2,
        coverage=float(accepted[place] / len(confidence)),
        accuracy=float(hits[place] / accepted[place]),
        bound=float(bound),
    )


def _sequence(accepted: np.ndarray, wanted: float) -> list[int]:
    """Returns which thresholds are tested, in order.

    The first accepts a fifth of the rows, and twice as many as it takes to show the accuracy without an
    error: with fewer a single error would end the sequence.
    """
    rows = accepted[-1]
    first = max(rows / 5, 2 * np.log(_RISK) / np.log(wanted))
    counts = np.arange(min(first, rows), rows, rows / _STEPS)
    places = np.searchsorted(accepted, [*counts, rows])
    return list(dict.fromkeys(places.tolist()))


def lower_bound(hits: float, rows: int, risk: float) -> float:
    """Returns the lower Clopper-Pearson bound of a share of which `hits` of `rows` were seen."""
    return float(beta.ppf(risk, hits, rows - hits + 1)) if hits else 0.0

"""Bootstrap intervals of metrics, computed from counts rather than from rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

RESAMPLES = 1000
CONFIDENCE = 0.95
_CELLS = 4_000_000  # of the weights drawn at a time

# Takes totals [..., columns] and returns metrics [..., metrics].
Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Units:
    """What is resampled: rows, or groups of rows that belong together. Equal units are kept once.

    Attributes:
        tallies: the counts of each distinct unit, float64 [distinct, columns]; see `tally`.
        counts: how often each occurs, int [distinct].
        strata: the stratum of each, int [distinct]: units are drawn within their stratum.
        index: the place among these of each row, int [rows], or group in sorted order, int [groups].
    """

    tallies: np.ndarray
    counts: np.ndarray
    strata: np.ndarray
    index: np.ndarray

    @property
    def totals(self) -> np.ndarray:
        """The counts of all units together, float64 [columns]."""
        return self.counts @ self.tallies


def tally(targets: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Returns what each row adds to the counts behind the metrics: float64 [rows, 2 + 3 * labels].

    The columns are 1, whether all labels of the row are right, and for each label whether it was rightly
    decided, decided, and true.

    Args:
        targets: true labels, [rows, labels] of zeros and ones.
        decided: predicted labels, likewise.
    """
    right = np.all(targets == decided, axis=1)
    return np.column_stack([np.ones(len(right)), right, targets * decided, decided, targets])


def metrics_of(totals: np.ndarray) -> np.ndarray:
    """Returns the metrics of sums of `tally`, as `kerasbert.tasks.metrics.score_decisions` defines them.

    Args:
        totals: float [..., 2 + 3 * labels].

    Returns:
        Accuracy, macro F1 and micro F1, then precision, recall and F1 of all labels: [..., 3 + 3 * labels].
    """
    rows, right = totals[..., 0], totals[..., 1]
    hits, decided, true = np.split(totals[..., 2:], 3, axis=-1)
    f1 = share(2 * hits, decided + true)
    overall = [
        share(right, rows),
        share(f1.sum(-1), np.sum(decided + true > 0, axis=-1)),
        share(2 * hits.sum(-1), decided.sum(-1) + true.sum(-1)),
    ]
    return np.concatenate([np.stack(overall, -1), share(hits, decided), share(hits, true), f1], axis=-1)


def units_of(
    targets: np.ndarray,
    decided: Sequence[np.ndarray],
    groups: Sequence[str] | None = None,
    stratified: bool = True,
) -> Units:
    """Returns the units of labelled rows, with the tallies of each model side by side.

    Without groups, rows of one true label are drawn among themselves, so that the number of rows of each
    label stays what it is; rows with several labels, or none, are drawn from all rows. With groups, whole
    groups are drawn from all groups: the cluster bootstrap (Davison and Hinkley 1997, section 3.8).

    Args:
        targets: true labels, [rows, labels] of zeros and ones.
        decided: the predicted labels of each model, likewise.
        groups: the group of each row. None: every row stands for itself.
        stratified: whether rows of one true label are drawn among themselves, not from all rows.
    """
    if groups is not None:
        _, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        tallies = np.column_stack([tally(targets, of) for of in decided])
        sums = np.add.reduceat(tallies[order], starts, axis=0)
        return Units(sums, np.ones(len(sums), int), np.zeros(len(sums), int), np.arange(len(sums)))
    bits = np.packbits(np.column_stack([targets, *decided]) > 0, axis=1)
    keys = np.ascontiguousarray(bits).view(f"V{bits.shape[1]}").ravel()
    _, first, index, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    tallies = np.column_stack([tally(targets[first], of[first]) for of in decided])
    stratified = stratified and bool(np.all(targets.sum(1) == 1))
    strata = targets[first].argmax(1) if stratified else np.zeros(len(first), int)
    return Units(tallies, counts, strata, index)


def resampled_totals(units: Units, seed: int = 0, resamples: int = RESAMPLES) -> np.ndarray:
    """Returns the totals of `resamples` draws of the units with replacement, float64 [resamples, columns]."""
    random = np.random.default_rng(seed)
    strata = [np.flatnonzero(units.strata == stratum) for stratum in np.unique(units.strata)]
    totals = np.empty([resamples, units.tallies.shape[1]])
    part = max(1, _CELLS // len(units.counts))
    for start in range(0, resamples, part):
        weights = np.empty([min(part, resamples - start), len(units.counts)])
        for stratum in strata:
            counts = units.counts[stratum]
            weights[:, stratum] = random.multinomial(counts.sum(), counts / counts.sum(), len(weights))
        totals[start : start + part] = weights @ units.tallies
    return totals


def intervals(
    units: Units, statistic: Statistic, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ends of the 95 % intervals of metrics, by the bias-corrected and accelerated bootstrap.

    The ends of a metric that is the same in every resample are its value: see `exact_interval`.

    Args:
        units: what to draw.
        statistic: computes the metrics from totals.
        seed: of the draws.
        resamples: number of draws.

    Returns:
        Lower and upper ends, float64 [metrics] each.

    Reference:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 14.3 and 22.5.
    """
    value = statistic(units.totals)
    drawn = np.sort(statistic(resampled_totals(units, seed, resamples)), axis=0)
    below = np.sum(drawn < value - 1e-12, axis=0) + np.sum(drawn <= value + 1e-12, axis=0)
    bias = ndtri(np.clip(below / 2 / resamples, 1 / resamples, 1 - 1 / resamples))
    acceleration = _acceleration(units, statistic)
    ends = []
    for tail in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2):
        normal = bias + ndtri(tail)
        level = ndtr(bias + normal / (1 - acceleration * normal))
        place = np.clip(level * (resamples + 1) - 1, 0, resamples - 1)
        lower = np.floor(place).astype(int)
        columns = np.arange(drawn.shape[1])
        ends.append(
            (1 - place + lower) * drawn[lower, columns]
            + (place - lower) * drawn[np.minimum(lower + 1, resamples - 1), columns]
        )
    return ends[0], ends[1]


def exact_interval(successes: float, trials: float) -> tuple[float, float]:
    """Returns the 95 % interval of Clopper and Pearson (1934) of a share; [0, 1] of no trials."""
    tail = (1 - CONFIDENCE) / 2
    failures = trials - successes
    low = float(betaincinv(successes, failures + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures > 0 else 1.0
    return low, high


def _acceleration(units: Units, statistic: Statistic) -> np.ndarray:
    """Returns the acceleration of each metric, from leaving out one unit at a time."""
    totals = units.totals
    cubes, squares = 0.0, 0.0
    for stratum in np.unique(units.strata):
        chosen = units.strata == stratum
        counts = units.counts[chosen]
        number = counts.sum()
        left = statistic(totals - units.tallies[chosen]).T  # [metrics, distinct]
        deviations = ((left @ counts / number)[:, None] - left) * (number - 1) / number
        cubes = cubes + deviations**3 @ counts
        squares = squares + deviations**2 @ counts
    return np.divide(cubes, 6 * np.power(squares, 1.5), out=np.zeros_like(cubes), where=squares > 1e-20)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns part / whole, and 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)

"""95 % intervals of the metrics of an evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.evaluation.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    exact_interval,
    intervals,
    metrics_of,
    tally,
    units_of,
)
from kerasbert.language import tr

OVERALL = ("accuracy", "macro_f1", "micro_f1")
_OF_LABEL = ("precision", "recall", "f1")
_FEW = 20  # groups


def metric_intervals(
    targets: np.ndarray, decided: np.ndarray, labels: Sequence[str], groups: Sequence[str] | None = None
) -> dict[str, Any]:
    """Returns the interval of each metric that `score_decisions` returns.

    Args:
        targets: true labels, [rows, labels] of zeros and ones.
        decided: predicted labels, likewise.
        labels: the names of the columns.
        groups: the group of each row: rows of one group are drawn together. None: rows are independent.

    Returns:
        Lists [low, high]: `accuracy`, `macro_f1`, `micro_f1`, and `per_class` by label with `precision`,
        `recall` and `f1`; and `method`, `confidence`, `resamples`, and `groups`, their number or None.
    """
    units = units_of(targets, [decided], groups)
    value = metrics_of(units.totals)
    low, high = intervals(units, metrics_of)
    number = None if groups is None else len(units.counts)
    trials = _trials(tally(targets, decided).sum(0), number)
    for place in np.flatnonzero(high - low < 1e-12):
        low[place], high[place] = exact_interval(value[place] * trials[place], trials[place])
    pairs = np.stack([low, high], 1).round(6).tolist()
    count = len(labels)
    by_metric = dict(
        zip(_OF_LABEL, (pairs[3 + i * count : 3 + (i + 1) * count] for i in range(3)), strict=True)
    )
    return {
        **dict(zip(OVERALL, pairs, strict=False)),
        "per_class": {
            label: {name: of[place] for name, of in by_metric.items()} for place, label in enumerate(labels)
        },
        **method(targets, number),
    }


def method(targets: np.ndarray, groups: int | None) -> dict[str, Any]:
    """Returns how intervals were computed: `method` in words, `confidence`, `resamples`, `groups`."""
    if groups is not None:
        words = "bias-corrected and accelerated bootstrap of groups"
    elif np.all(targets.sum(1) == 1):
        words = (
            "bias-corrected and accelerated bootstrap of rows of each label, whose share is taken as given"
        )
    else:
        words = "bias-corrected and accelerated bootstrap of rows"
    return {
        "method": words,
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "groups": groups,
    }


def few_groups(groups: int | None) -> list[str]:
    """Returns a remark if there are too few groups for a bootstrap."""
    if groups is None or groups >= _FEW:
        return []
    return [
        tr(
            "The intervals rest on {groups} group(s), which is few: the true ones may be wider.",
            groups=groups,
        )
    ]


def _trials(totals: np.ndarray, groups: int | None) -> np.ndarray:
    """Returns of how many rows, or groups at most, each metric is a share."""
    rows = totals[0]
    hits, decided, true = np.split(totals[2:], 3)
    trials = np.concatenate([np.full(3, rows), decided, true, decided + true - hits])
    return trials if groups is None else np.minimum(trials, groups)

"""What A and B decided on the same labelled rows, and the tests of whether they differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasbert.data import Rows
from kerasbert.data.labels import label_matrix
from kerasbert.evaluation.answers import Answers
from kerasbert.evaluation.bootstrap import exact_interval, intervals, metrics_of, units_of
from kerasbert.evaluation.intervals import OVERALL, method, metric_intervals
from kerasbert.evaluation.paired_tests import (
    Discordant,
    equivalence,
    equivalence_of_groups,
    mcnemar,
    sign_flips,
)
from kerasbert.tasks.metrics import score_decisions

MARGIN = 0.01


@dataclass(frozen=True)
class Comparison:
    """The decisions of two models on labelled rows, and how they differ.

    Attributes:
        metrics: `examples`, `left_out`, `labels`; `a` and `b`, each with `name`, `unknown_labels` (the rows
            of each label that it does not know), accuracy, macro_f1, micro_f1, per_class and `intervals`;
            `difference` of B less A, by metric `value` and `interval`; `both_right`, `only_a_right`,
            `only_b_right`, `both_wrong` and `decided_alike`, numbers of rows; `mcnemar` with `p` and `test`;
            `equivalence` with `margin`, `p` and `equivalent`; `flips` by label, with `only_a` and `only_b`;
            and `method`, `confidence`, `resamples` and `groups`.
        labels: all labels, the names of the columns below.
        rows: the rows in order.
        targets: true labels, float32 [rows, labels] of zeros and ones.
        a: the decisions of A, likewise; of several seeds [models, rows, labels], see `compare_seeds`.
        b: the decisions of B, likewise.
    """

    metrics: dict[str, Any]
    labels: tuple[str, ...]
    rows: Rows = field(repr=False)
    targets: np.ndarray = field(repr=False)
    a: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)


def compare_answers(
    a: Answers,
    b: Answers,
    rows: Rows,
    labels: tuple[str, ...],
    margin: float = MARGIN,
    groups: Sequence[str] | None = None,
) -> Comparison:
    """Compares the answers of A and B to `rows`.

    Args:
        a: of the first model.
        b: of the second.
        rows: labelled, in the order of the answers.
        labels: every label of the rows and the answers.
        margin: the difference of accuracy below which they count as equivalent, above 0, at most 0.2.
        groups: the group of each row. None: rows are independent.
    """
    targets = label_matrix(rows.labels, labels)
    decided = [of.matrix(labels) for of in (a, b)]
    right = [np.all(of == targets, axis=1) for of in decided]
    counts = Discordant(len(rows), int(np.sum(right[0] & ~right[1])), int(np.sum(right[1] & ~right[0])))
    metrics = {
        "examples": len(rows),
        "left_out": len(rows.left_out),
        "labels": list(labels),
        "a": _side(a, targets, decided[0], rows, labels, groups),
        "b": _side(b, targets, decided[1], rows, labels, groups),
        "difference": _differences(targets, decided, counts, groups),
        "both_right": int(np.sum(right[0] & right[1])),
        "only_a_right": counts.only_a,
        "only_b_right": counts.only_b,
        "both_wrong": int(np.sum(~right[0] & ~right[1])),
        "decided_alike": int(np.sum(np.all(decided[0] == decided[1], axis=1))),
        **_tests(right, counts, margin, groups),
        "flips": _flips(targets, decided, right, labels),
        **method(targets, None if groups is None else len(set(groups))),
    }
    return Comparison(metrics, labels, rows, targets, *decided)


def unknown_labels(answers: Answers, rows: Rows) -> dict[str, int]:
    """Returns the rows of each label that a model does not know; a file may know labels it does not have."""
    if not answers.is_model:
        return {}
    return {label: number for label, number in rows.label_counts.items() if label not in answers.labels}


def _side(
    answers: Answers,
    targets: np.ndarray,
    decided: np.ndarray,
    rows: Rows,
    labels: Sequence[str],
    groups: Sequence[str] | None,
) -> dict[str, Any]:
    metrics = score_decisions(targets, decided, labels)
    found = metric_intervals(targets, decided, labels, groups)
    return {
        "name": answers.name,
        "unknown_labels": unknown_labels(answers, rows),
        **{name: metrics[name] for name in (*OVERALL, "per_class")},
        "intervals": {name: found[name] for name in (*OVERALL, "per_class")},
    }


def _differences(
    targets: np.ndarray,
    decided: Sequence[np.ndarray],
    counts: Discordant,
    groups: Sequence[str] | None,
) -> dict[str, Any]:
    # From all rows, as McNemar's test has it: a rare label would hardly vary within itself.
    units = units_of(targets, decided, groups, stratified=False)

    def difference(totals: np.ndarray) -> np.ndarray:
        of_a, of_b = np.split(totals, 2, axis=-1)
        return (metrics_of(of_b) - metrics_of(of_a))[..., :3]

    value = difference(units.totals)
    low, high = intervals(units, difference)
    number = counts.rows if groups is None else len(units.counts)
    same = high - low < 1e-12  # no row differs: how many of all rows might
    margin = exact_interval(0, number if number > 1 else 0)[1]
    low[same], high[same] = value[same] - margin, value[same] + margin
    return {
        name: {"value": float(value[i]), "interval": [round(float(low[i]), 6), round(float(high[i]), 6)]}
        for i, name in enumerate(OVERALL)
    }


def _tests(
    right: Sequence[np.ndarray], counts: Discordant, margin: float, groups: Sequence[str] | None
) -> dict[str, Any]:
    if groups is None:
        test, p, apart = "McNemar, exact", mcnemar(counts), equivalence(counts, margin)
    else:
        _, group = np.unique(np.array(groups), return_inverse=True)
        differences = np.bincount(group, weights=right[1].astype(float) - right[0])
        test, p = "McNemar, A and B exchanged in random groups", sign_flips(differences)
        apart = equivalence_of_groups(differences, counts.rows, margin)
    return {
        "mcnemar": {"test": test, "p": p},
        "equivalence": {"margin": margin, "p": apart, "equivalent": apart < 0.05},
    }


def _flips(
    targets: np.ndarray, decided: Sequence[np.ndarray], right: Sequence[np.ndarray], labels: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Counts what only one model got right: rows of each label, or each label of a row that has several."""
    if np.all(targets.sum(1) == 1):
        of_label = [targets * of[:, None] > 0 for of in right]
    else:
        of_label = [of == targets for of in decided]
    only_a, only_b = (np.sum(x & ~y, axis=0) for x, y in (of_label, of_label[::-1]))
    rows = targets.sum(0).astype(int)
    return {
        label: {"rows": int(rows[i]), "only_a": int(only_a[i]), "only_b": int(only_b[i])}
        for i, label in enumerate(labels)
    }

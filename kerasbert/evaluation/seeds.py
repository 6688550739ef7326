"""Compares two recipes by models of several seeds each: rows and seeds vary, and are kept apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.data import Rows
from kerasbert.data.labels import label_matrix
from kerasbert.evaluation.answers import Answers
from kerasbert.evaluation.bootstrap import CONFIDENCE
from kerasbert.evaluation.comparison import MARGIN, Comparison, unknown_labels
from kerasbert.evaluation.intervals import OVERALL
from kerasbert.evaluation.variance import Estimate, estimate, pseudo_values
from kerasbert.tasks.metrics import score_decisions


def compare_seeds(
    sides: Sequence[Sequence[Answers]],
    names: Sequence[str],
    rows: Rows,
    labels: tuple[str, ...],
    margin: float = MARGIN,
    groups: Sequence[str] | None = None,
) -> Comparison:
    """Compares the answers of several models of A and of B to `rows`; a side may also have one.

    Args:
        sides: the answers of the models of A, and of B.
        names: what A and B are called.
        rows: labelled, in the order of the answers.
        labels: every label of the rows and the answers.
        margin: the difference of accuracy below which they count as equivalent, above 0, at most 0.2.
        groups: the group of each row. None: rows are independent.

    Returns:
        A comparison whose `metrics` are means over the models of a side. Beside those of two models,
        `models` of a side has the name and the metrics of each, `sd` how much the accuracy of one model
        varies with the `rows` and with the `seeds` (None of one model), and `alike` the names of two
        models that decided all rows alike, or None. In `difference` each metric has `p` and `df` of its t
        test and the parts of its `variance`: `rows`, `seeds` and `rest`. The numbers of rows are means over
        all pairs of a model of A and one of B; there is no `mcnemar` and no `decided_alike`.
    """
    targets = label_matrix(rows.labels, labels)
    a, b = (np.stack([of.matrix(labels) for of in side]) for side in sides)
    right = [np.all(of == targets, axis=2).mean(0) for of in (a, b)]
    # [models, metrics, rows or groups] of each side
    scores = [np.stack([pseudo_values(targets, one, groups) for one in of]) for of in (a, b)]
    differences = {name: estimate(-scores[0][:, i], scores[1][:, i]) for i, name in enumerate(OVERALL)}
    equal = differences["accuracy"].equivalence(margin)
    of_a, of_b = (
        _side(name, answers, targets, decided, values, rows, labels)
        for name, answers, decided, values in zip(names, sides, (a, b), scores, strict=True)
    )
    metrics = {
        "examples": len(rows),
        "left_out": len(rows.left_out),
        "labels": list(labels),
        "a": of_a,
        "b": of_b,
        "difference": {name: _difference(of, of_b[name] - of_a[name]) for name, of in differences.items()},
        "both_right": _sum(right[0] * right[1]),
        "only_a_right": _sum(right[0] * (1 - right[1])),
        "only_b_right": _sum(right[1] * (1 - right[0])),
        "both_wrong": _sum((1 - right[0]) * (1 - right[1])),
        "equivalence": {"margin": margin, "p": equal, "equivalent": equal < 0.05},
        "flips": _flips(targets, (a, b), right, labels),
        "method": "t interval, rows and seeds drawn at random",
        "confidence": CONFIDENCE,
        "groups": None if groups is None else len(set(groups)),
    }
    return Comparison(metrics, labels, rows, targets, a, b)


def _side(
    name: str,
    answers: Sequence[Answers],
    targets: np.ndarray,
    decided: np.ndarray,
    scores: np.ndarray,
    rows: Rows,
    labels: Sequence[str],
) -> dict[str, Any]:
    each = [score_decisions(targets, of, labels) for of in decided]
    found = {metric: estimate(scores[:, i]) for i, metric in enumerate(OVERALL)}
    accuracy, models = found["accuracy"], len(answers)
    by_label = [of["per_class"] for of in each]
    return {
        "name": name,
        "models": [
            {"name": of.name, **{metric: metrics[metric] for metric in OVERALL}}
            for of, metrics in zip(answers, each, strict=True)
        ],
        "unknown_labels": unknown_labels(answers[0], rows),
        "alike": _alike(answers, decided),
        **{metric: float(np.mean([of[metric] for of in each])) for metric in OVERALL},
        "per_class": {
            label: {key: float(np.mean([of[label][key] for of in by_label])) for key in by_label[0][label]}
            for label in labels
        },
        "intervals": {metric: _interval(of, 0) for metric, of in found.items()},
        "sd": {
            "rows": float(np.sqrt(accuracy.rows + accuracy.rest * models)),
            "seeds": float(np.sqrt(accuracy.seeds * models)) if models > 1 else None,
        },
    }


def _difference(of: Estimate, value: float) -> dict[str, Any]:
    parts = {"rows": of.rows, "seeds": of.seeds, "rest": of.rest}
    return {"value": value, "interval": _interval(of, -1), "p": of.p(), "df": of.df, "variance": parts}


def _interval(of: Estimate, least: float) -> list[float]:
    low, high = of.interval()
    return [round(max(low, least), 6), round(min(high, 1.0), 6)]


def _alike(answers: Sequence[Answers], decided: np.ndarray) -> list[str] | None:
    for i in range(len(answers)):
        for j in range(i):
            if np.array_equal(decided[i], decided[j]):
                return [answers[j].name, answers[i].name]
    return None


def _flips(
    targets: np.ndarray, sides: Sequence[np.ndarray], right: Sequence[np.ndarray], labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Counts what only one model of a pair got right, on average over the pairs."""
    if np.all(targets.sum(1) == 1):
        of_label = [targets * of[:, None] for of in right]
    else:
        of_label = [(of == targets).mean(0) for of in sides]
    only_a, only_b = (np.sum(x * (1 - y), axis=0) for x, y in (of_label, of_label[::-1]))
    rows = targets.sum(0).astype(int)
    return {
        label: {"rows": int(rows[i]), "only_a": round(only_a[i], 2), "only_b": round(only_b[i], 2)}
        for i, label in enumerate(labels)
    }


def _sum(shares: np.ndarray) -> float:
    return round(float(shares.sum()), 2)

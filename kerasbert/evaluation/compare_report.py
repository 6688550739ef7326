"""The result of a comparison: lines of text, comparison.json, flips.jsonl and a self-contained index.html."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert import progress
from kerasbert.evaluation import plots
from kerasbert.evaluation.comparison import Comparison
from kerasbert.evaluation.conclusions import conclusions, of_seeds, p_value, points
from kerasbert.evaluation.intervals import OVERALL
from kerasbert.evaluation.report import render
from kerasbert.evaluation.summary import METRICS
from kerasbert.evaluation.text_table import text_table
from kerasbert.files import make_directory, write_json, write_json_lines, write_text
from kerasbert.language import tr
from kerasbert.layout import require_no_run

_EXAMPLES = 5  # of each label and direction
_MOST_LABELS = 30
_OF_ROWS = {"b": "only B is right", "a": "only A is right", "neither": "both are wrong"}
_OF_SHARES = {"b": "B is right more often", "a": "A is right more often", "neither": "as often"}


def comparison_summary(metrics: dict[str, Any]) -> str:
    """Returns the metrics of a comparison as lines of text, conclusions last."""
    a, b, difference = metrics["a"], metrics["b"], metrics["difference"]
    left_out = tr("  left out {rows}", rows=metrics["left_out"]) if metrics["left_out"] else ""
    rows = [["", "A", "B", "B - A"]]
    for name in shown_metrics(metrics):
        cells = [f"{of[name]:.4f} {interval(of['intervals'][name])}" for of in (a, b)]
        apart = f"{difference[name]['value']:+.4f} {interval(difference[name]['interval'], '+.4f')}"
        rows.append([tr(METRICS[name]), *cells, apart])
    labels = [[tr(name) for name in ("label", "F1 of A", "F1 of B", "rows", "only A right", "only B right")]]
    for label in _flipped(metrics):
        of, scores = metrics["flips"][label], [side["per_class"][label]["f1"] for side in (a, b)]
        counts = [count(of[key]) for key in ("rows", "only_a", "only_b")]
        labels.append([label, *(f"{score:.4f}" for score in scores), *counts])
    lines = [
        f"A  {a['name']}{_each(a)}",
        f"B  {b['name']}{_each(b)}",
        tr("rows {rows}", rows=metrics["examples"]) + left_out,
        *text_table(rows, "<<<<"),
        *spreads(metrics),
        tr(
            "right, mean of all pairs: both {both_right}, only A {only_a_right}, only B {only_b_right}, "
            "neither {both_wrong}"
            if of_seeds(metrics)
            else "right: both {both_right}, only A {only_a_right}, only B {only_b_right}, "
            "neither {both_wrong}; the same decision: {decided_alike}",
            **{name: count(of) for name, of in metrics.items() if isinstance(of, int | float)},
        ),
        *text_table(labels, "<>>>>>"),
    ]
    if (more := len(metrics["labels"]) - len(_flipped(metrics))) > 0:
        lines.append(tr("and {more} more label(s), decided more alike", more=more))
    return "\n".join([*lines, *conclusions(metrics)])


def write_comparison(comparison: Comparison, directory: Path, title: str) -> Path:
    """Writes the report of a comparison into `directory` and returns the path of its HTML page.

    Args:
        comparison: what to show.
        directory: made if need be.
        title: of the page, such as the data.
    """
    require_no_run(directory)
    make_directory(directory)
    metrics, flips = comparison.metrics, flipped_rows(comparison)
    write_json(directory / "comparison.json", metrics)
    write_json_lines(directory / "flips.jsonl", flips)
    with progress.phase("drawing the report"):
        drawn = [
            plots.differences(
                {tr(METRICS[name]): metrics["difference"][name] for name in shown_metrics(metrics)},
                metrics["equivalence"]["margin"],
            ),
            plots.flips({label: metrics["flips"][label] for label in _flipped(metrics)}),
        ]
        if of_seeds(metrics):
            of_side = {side.upper(): metrics[side]["models"] for side in ("a", "b")}
            drawn.append(
                plots.models({side: [of["accuracy"] for of in found] for side, found in of_side.items()})
            )
    page = render(
        "compare.html",
        title=title,
        metrics=metrics,
        names={name: tr(METRICS[name]) for name in shown_metrics(metrics)},
        conclusions=conclusions(metrics),
        p_value=p_value,
        points=points,
        interval=interval,
        count=count,
        spreads=spreads(metrics),
        each=_each,
        plots=drawn,
        examples=_examples(flips),
        shown=_EXAMPLES,
    )
    path = directory / "index.html"
    write_text(path, page)
    return path


def flipped_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns the rows that not all models decided alike, in order.

    Each has what is `right`: a, b or neither. Of several seeds `a` and `b` are lists, the decision of each
    model, `right_a` and `right_b` the shares of them that are right, and `right` says whose is larger.
    """
    names = np.array(comparison.labels, dtype=object)
    targets, sides = comparison.targets, (comparison.a, comparison.b)
    several = comparison.a.ndim == 3
    models = [of if several else of[None] for of in sides]
    right_a, right_b = (np.all(of == targets, axis=2).mean(0) for of in models)
    every = np.concatenate(models)

    def decided(of: np.ndarray) -> str | list[str]:
        given = [" | ".join(names[one > 0]) for one in of]
        return given if several else given[0]

    return [
        {
            "file": row.file,
            "line": row.line,
            "truth": " | ".join(names[targets[i] > 0]),
            "a": decided(models[0][:, i]),
            "b": decided(models[1][:, i]),
            "right": "a" if right_a[i] > right_b[i] else "b" if right_b[i] > right_a[i] else "neither",
            **({"right_a": float(right_a[i]), "right_b": float(right_b[i])} if several else {}),
            "text": row.text,
            **({} if row.pair is None else {"pair": row.pair}),
        }
        for i in np.flatnonzero(np.any(every != every[0], axis=(0, 2))).tolist()
        for row in [comparison.rows.rows[i]]
    ]


def spreads(metrics: dict[str, Any]) -> list[str]:
    """Returns how much the accuracy of one model varies with its seed and with the rows, if it is known."""
    if not of_seeds(metrics):
        return []
    found = []
    for side in ("a", "b"):
        sd = {of: f"{100 * value:.2f}" for of, value in metrics[side]["sd"].items() if value is not None}
        found.append(
            tr("{side} ± {seeds} with the seed, ± {rows} with the rows", side=side.upper(), **sd)
            if "seeds" in sd
            else tr("{side} ± {rows} with the rows", side=side.upper(), **sd)
        )
    return [tr("accuracy of one model, in points: {a}; {b}", a=found[0], b=found[1])]


def _each(side: dict[str, Any]) -> str:
    """Returns the accuracy of each model of a side of several."""
    models = side.get("models", [])
    if len(models) < 2:
        return ""
    each = tr(", ").join(f"{of['accuracy']:.4f}" for of in models)
    return tr("  ({models} models: {each})", models=len(models), each=each)


def shown_metrics(metrics: dict[str, Any]) -> list[str]:
    """Returns the overall metrics to show: with one label a row, micro F1 is the accuracy."""
    same = all(abs(metrics[side]["micro_f1"] - metrics[side]["accuracy"]) < 1e-9 for side in ("a", "b"))
    return [name for name in OVERALL if name != "micro_f1" or not same]


def interval(ends: list[float], form: str = ".4f") -> str:
    """Returns an interval for a table: [0.8912, 0.9134]."""
    low, high = ends
    return f"[{low:{form}}, {high:{form}}]"


def count(rows: float) -> str:
    """Returns a number of rows, with a decimal if it is a mean."""
    return f"{rows:,}" if isinstance(rows, int) else f"{rows:,.1f}"


def _flipped(metrics: dict[str, Any]) -> list[str]:
    """Returns the labels to show, in order: of many, those with the most flips."""
    flips = metrics["flips"]
    most = sorted(flips, key=lambda label: -flips[label]["only_a"] - flips[label]["only_b"])[:_MOST_LABELS]
    return [label for label in metrics["labels"] if label in most]


def _examples(flips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the first flips of each true label, or set of labels, that has any, most flips first.

    Of several seeds, those come first where the shares that are right differ most.
    """
    several = bool(flips) and "right_a" in flips[0]
    ways = _OF_SHARES if several else _OF_ROWS
    if several:
        flips = sorted(flips, key=lambda flip: -abs(flip["right_a"] - flip["right_b"]))
    by_truth: dict[str, list[dict[str, Any]]] = {}
    for flip in flips:
        shown = {**flip, "a": _shown(flip["a"]), "b": _shown(flip["b"])}
        by_truth.setdefault(flip["truth"], []).append(shown)
    return [
        {
            "label": label or tr("no label"),
            "count": len(found),
            "ways": [
                (tr(name), len(of), of[:_EXAMPLES])
                for which, name in ways.items()
                if (of := [flip for flip in found if flip["right"] == which])
            ],
        }
        for label, found in sorted(by_truth.items(), key=lambda item: -len(item[1]))
    ]


def _shown(decided: str | list[str]) -> str:
    """Returns a decision, or those of several models: `a (2), b (1)`."""
    if isinstance(decided, str):
        return decided or tr("no label")
    counts = Counter(decided).most_common()
    return tr(", ").join(tr("{label} ({count})", label=of or tr("no label"), count=n) for of, n in counts)

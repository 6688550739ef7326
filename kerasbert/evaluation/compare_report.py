"""The result of a comparison: lines of text, comparison.json, flips.jsonl and a self-contained index.html."""

from pathlib import Path
from typing import Any

import numpy as np

from kerasbert import progress
from kerasbert.evaluation import plots
from kerasbert.evaluation.compare import Comparison
from kerasbert.evaluation.intervals import OVERALL, few_groups
from kerasbert.evaluation.report import render
from kerasbert.evaluation.summary import METRICS
from kerasbert.evaluation.text_table import text_table
from kerasbert.files import make_directory, write_json, write_json_lines, write_text
from kerasbert.language import listed, tr
from kerasbert.listing import SHOWN

_EXAMPLES = 5  # of each label and direction
_MOST_LABELS = 30


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
        counts = [str(of[key]) for key in ("rows", "only_a", "only_b")]
        labels.append([label, *(f"{score:.4f}" for score in scores), *counts])
    lines = [
        f"A  {a['name']}",
        f"B  {b['name']}",
        tr("rows {rows}", rows=metrics["examples"]) + left_out,
        *text_table(rows, "<<<<"),
        tr(
            "right: both {both_right}, only A {only_a_right}, only B {only_b_right}, neither {both_wrong}; "
            "the same decision: {decided_alike}",
            **metrics,
        ),
        *text_table(labels, "<>>>>>"),
    ]
    if (more := len(metrics["labels"]) - len(_flipped(metrics))) > 0:
        lines.append(tr("and {more} more label(s), decided more alike", more=more))
    return "\n".join([*lines, *conclusions(metrics)])


def conclusions(metrics: dict[str, Any]) -> list[str]:
    """Returns what the comparison shows and what it does not, one sentence each."""
    difference = metrics["difference"]["accuracy"]
    p, equal = metrics["mcnemar"]["p"], metrics["equivalence"]
    low, high = difference["interval"]
    if not metrics["only_a_right"] and not metrics["only_b_right"]:
        found = [tr("A and B are right on the same rows.")]
    elif p < 0.05:
        better, worse = ("B", "A") if difference["value"] > 0 else ("A", "B")
        low, high = sorted((abs(low), abs(high))) if low * high > 0 else (low, high)
        found = [
            tr(
                "{better} is more accurate than {worse}: by {points}, 95 % interval {low:.2f} to {high:.2f} "
                "(McNemar, {p}).",
                better=better,
                worse=worse,
                points=points(abs(difference["value"])),
                low=low * 100,
                high=high * 100,
                p=p_value(p),
            )
        ]
    else:
        found = [
            tr(
                "No difference of accuracy is shown (McNemar, {p}): with these rows it may be anything from "
                "{low:+.2f} to {high:+.2f} points.",
                p=p_value(p),
                low=low * 100,
                high=high * 100,
            )
        ]
    found += _macro_f1(metrics["difference"]["macro_f1"], difference["value"] if p < 0.05 else 0)
    within = {"margin": points(equal["margin"]), "p": p_value(equal["p"])}
    if equal["equivalent"]:
        found.append(tr("A and B are equivalent within {margin} of accuracy (TOST, {p}).", **within))
    elif p >= 0.05:
        found.append(
            tr(
                "Nor are they shown to be equivalent within {margin} (TOST, {p}): it takes more rows to "
                "tell.",
                **within,
            )
        )
    for side in ("a", "b"):
        if unknown := metrics[side]["unknown_labels"]:
            found.append(
                tr(
                    "{side} does not know {labels}: it cannot be right on these {rows} row(s).",
                    side=side.upper(),
                    labels=listed(list(unknown), SHOWN),
                    rows=sum(unknown.values()),
                )
            )
    return [*found, *few_groups(metrics["groups"])]


def _macro_f1(difference: dict[str, Any], accuracy: float) -> list[str]:
    """Returns a sentence if macro F1 shows a difference that accuracy does not.

    Args:
        difference: of macro F1.
        accuracy: its difference, 0 if that is not significant.
    """
    low, high = difference["interval"]
    if low * high <= 0 or accuracy * difference["value"] > 0:
        return []
    low, high = sorted((abs(low), abs(high)))
    return [
        tr(
            "Macro F1, which weighs all labels alike, is higher for {better}: by {points}, 95 % interval "
            "{low:.2f} to {high:.2f}.",
            better="B" if difference["value"] > 0 else "A",
            points=points(abs(difference["value"])),
            low=low * 100,
            high=high * 100,
        )
    ]


def write_comparison(comparison: Comparison, directory: Path, title: str) -> Path:
    """Writes the report of a comparison into `directory` and returns the path of its HTML page.

    Args:
        comparison: what to show.
        directory: made if need be.
        title: of the page, such as the data.
    """
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
    page = render(
        "compare.html",
        title=title,
        metrics=metrics,
        names={name: tr(METRICS[name]) for name in shown_metrics(metrics)},
        conclusions=conclusions(metrics),
        p_value=p_value,
        points=points,
        interval=interval,
        plots=drawn,
        examples=_examples(flips),
        shown=_EXAMPLES,
    )
    path = directory / "index.html"
    write_text(path, page)
    return path


def flipped_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns the rows that A and B decided differently, in order, with what is `right`: a, b or neither."""
    names = np.array(comparison.labels, dtype=object)
    targets, a, b = comparison.targets, comparison.a, comparison.b
    right_a, right_b = (np.all(of == targets, axis=1) for of in (a, b))
    return [
        {
            "file": row.file,
            "line": row.line,
            "truth": " | ".join(names[targets[i] > 0]),
            "a": " | ".join(names[a[i] > 0]),
            "b": " | ".join(names[b[i] > 0]),
            "right": "a" if right_a[i] else "b" if right_b[i] else "neither",
            "text": row.text,
            **({} if row.pair is None else {"pair": row.pair}),
        }
        for i in np.flatnonzero(np.any(a != b, axis=1)).tolist()
        for row in [comparison.rows.rows[i]]
    ]


def shown_metrics(metrics: dict[str, Any]) -> list[str]:
    """Returns the overall metrics to show: with one label a row, micro F1 is the accuracy."""
    same = all(metrics[side]["micro_f1"] == metrics[side]["accuracy"] for side in ("a", "b"))
    return [name for name in OVERALL if name != "micro_f1" or not same]


def interval(ends: list[float], form: str = ".4f") -> str:
    """Returns an interval for a table: [0.8912, 0.9134]."""
    low, high = ends
    return f"[{low:{form}}, {high:{form}}]"


def p_value(p: float) -> str:
    """Returns a p-value: p = 0.034, or p < 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def points(share: float) -> str:
    """Returns a difference of accuracy in percentage points."""
    text = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return tr("{points} point" if text == "1" else "{points} points", points=text)


def _flipped(metrics: dict[str, Any]) -> list[str]:
    """Returns the labels to show, in order: of many, those with the most flips."""
    flips = metrics["flips"]
    most = sorted(flips, key=lambda label: -flips[label]["only_a"] - flips[label]["only_b"])[:_MOST_LABELS]
    return [label for label in metrics["labels"] if label in most]


def _examples(flips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the first flips of each true label, or set of labels, that has any, most flips first."""
    by_truth: dict[str, list[dict[str, Any]]] = {}
    for flip in flips:
        by_truth.setdefault(flip["truth"], []).append(flip)
    return [
        {
            "label": label or tr("no label"),
            "count": len(found),
            "ways": [
                (tr(name), len(of), of[:_EXAMPLES])
                for name, which in (
                    ("only B is right", "b"),
                    ("only A is right", "a"),
                    ("both are wrong", "neither"),
                )
                if (of := [flip for flip in found if flip["right"] == which])
            ],
        }
        for label, found in sorted(by_truth.items(), key=lambda item: -len(item[1]))
    ]

"""The result of a comparison: lines of text, comparison.json, flips.jsonl and a self-contained index.html."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.cells import cell_len

from kerasbert import progress
from kerasbert.evaluation import plots
from kerasbert.evaluation.compare import Comparison
from kerasbert.evaluation.intervals import OVERALL, few_groups
from kerasbert.evaluation.report import render
from kerasbert.files import make_directory, write_json, write_json_lines, write_text
from kerasbert.listing import join_first

NAMES = {"accuracy": "accuracy", "macro_f1": "macro F1", "micro_f1": "micro F1"}
_EXAMPLES = 5  # of each label and direction
_MOST_LABELS = 30


def comparison_summary(metrics: dict[str, Any]) -> str:
    """Returns the metrics of a comparison as lines of text, conclusions last."""
    a, b, difference = metrics["a"], metrics["b"], metrics["difference"]
    left_out = f"  left out {metrics['left_out']}" if metrics["left_out"] else ""
    width = max(map(cell_len, [*_flipped(metrics), "macro F1"]))
    lines = [
        f"A  {a['name']}",
        f"B  {b['name']}",
        f"rows {metrics['examples']}{left_out}",
        f"{'':<{width}}  {'A':<23}  {'B':<23}  B - A",
    ]
    for name in shown_metrics(metrics):
        cells = [f"{of[name]:.4f} {interval(of['intervals'][name])}" for of in (a, b)]
        apart = f"{difference[name]['value']:+.4f} {interval(difference[name]['interval'], '+.4f')}"
        lines.append(f"{NAMES[name]:<{width}}  {cells[0]:<23}  {cells[1]:<23}  {apart}")
    lines.append(
        f"right: both {metrics['both_right']}, only A {metrics['only_a_right']}, only B "
        f"{metrics['only_b_right']}, neither {metrics['both_wrong']}; the same decision: "
        f"{metrics['decided_alike']}"
    )
    lines.append(f"{'label':<{width}}    F1 A    F1 B    rows  only A right  only B right")
    for label in _flipped(metrics):
        of = metrics["flips"][label]
        lines.append(
            f"{label}{' ' * (width - cell_len(label))}  {a['per_class'][label]['f1']:.4f}  "
            f"{b['per_class'][label]['f1']:.4f}  {of['rows']:>6}  {of['only_a']:>12}  {of['only_b']:>12}"
        )
    if (more := len(metrics["labels"]) - len(_flipped(metrics))) > 0:
        lines.append(f"and {more} more label(s), decided more alike")
    return "\n".join([*lines, *conclusions(metrics)])


def conclusions(metrics: dict[str, Any]) -> list[str]:
    """Returns what the comparison shows and what it does not, one sentence each."""
    difference = metrics["difference"]["accuracy"]
    p, equal = metrics["mcnemar"]["p"], metrics["equivalence"]
    low, high = difference["interval"]
    if not metrics["only_a_right"] and not metrics["only_b_right"]:
        found = ["A and B are right on the same rows."]
    elif p < 0.05:
        better, worse = ("B", "A") if difference["value"] > 0 else ("A", "B")
        low, high = sorted((abs(low), abs(high))) if low * high > 0 else (low, high)
        found = [
            f"{better} is more accurate than {worse}: by {points(abs(difference['value']))}, 95 % interval "
            f"{low * 100:.2f} to {high * 100:.2f} (McNemar, {p_value(p)})."
        ]
    else:
        found = [
            f"No difference of accuracy is shown (McNemar, {p_value(p)}): with these rows it may be anything "
            f"from {low * 100:+.2f} to {high * 100:+.2f} points."
        ]
    found += _macro_f1(metrics["difference"]["macro_f1"], difference["value"] if p < 0.05 else 0)
    within = f"within {points(equal['margin'])}"
    if equal["equivalent"]:
        found.append(f"A and B are equivalent {within} of accuracy (TOST, {p_value(equal['p'])}).")
    elif p >= 0.05:
        found.append(
            f"Nor are they shown to be equivalent {within} (TOST, {p_value(equal['p'])}): it takes more rows "
            "to tell."
        )
    for side in ("a", "b"):
        if unknown := metrics[side]["unknown_labels"]:
            rows = sum(unknown.values())
            found.append(
                f"{side.upper()} does not know {join_first(list(unknown))}: it cannot be right on these "
                f"{rows} row(s)."
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
    better = "B" if difference["value"] > 0 else "A"
    return [
        f"Macro F1, which weighs all labels alike, is higher for {better}: by "
        f"{points(abs(difference['value']))}, 95 % interval {low * 100:.2f} to {high * 100:.2f}."
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
                {NAMES[name]: metrics["difference"][name] for name in shown_metrics(metrics)},
                metrics["equivalence"]["margin"],
            ),
            plots.flips({label: metrics["flips"][label] for label in _flipped(metrics)}),
        ]
    page = render(
        "compare.html",
        title=title,
        metrics=metrics,
        names={name: NAMES[name] for name in shown_metrics(metrics)},
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
    return f"{text} point{'' if text == '1' else 's'}"


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
            "label": label or "no label",
            "count": len(found),
            "ways": [
                (name, len(of), of[:_EXAMPLES])
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

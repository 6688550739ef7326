"""What is in the data files, what would break a training and what would weaken it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kerasbert.data.columns import Columns
from kerasbert.data.labels import sort_labels
from kerasbert.data.load import Rows, load_rows
from kerasbert.data.read import REPLACEMENT, Row
from kerasbert.data.split import normalized
from kerasbert.errors import DataError
from kerasbert.text import TextGraph

PERCENTILES = (50, 90, 95, 99, 100)
MAX_LENGTHS = (32, 64, 128, 256, 512)
_SHOWN = 5


@dataclass
class FileReport:
    """The figures of one file."""

    path: str
    rows: int
    left_out: Counter[str]
    label_counts: dict[str, int]
    token_percentiles: dict[int, int]
    truncated: dict[int, float]
    unk_rate: float


@dataclass
class CheckReport:
    """The figures of all files; `errors` would stop a training, `warnings` would not."""

    files: list[FileReport] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_files(
    paths: Sequence[str | Path],
    columns: Columns,
    labels: Sequence[str],
    text_graph: Callable[[Rows], TextGraph],
) -> CheckReport:
    """Reports on `paths`, the first of which is taken for the training file.

    Args:
        paths: data files.
        columns: how to read them.
        labels: the labels the task knows. Empty: those of the first file.
        text_graph: gives the text graph a training on these rows would use.
    """
    report = CheckReport()
    loaded: list[tuple[str, Rows]] = []
    for path in paths:
        try:
            loaded.append((str(path), load_rows([path], columns)))
        except DataError as error:
            report.errors.append(str(error))
    if not loaded:
        return report

    known = tuple(labels) or sort_labels(loaded[0][1].label_counts)
    if len(loaded[0][1].label_counts) < 2:
        found = ", ".join(loaded[0][1].label_counts) or "none"
        report.errors.append(f"{loaded[0][0]}: at least two labels are needed. Received: {found}")
    graph = text_graph(loaded[0][1])
    for path, rows in loaded:
        report.files.append(_figures(path, rows, graph))
        report.errors += _unknown_labels(path, rows, known)
        report.warnings += _left_out(path, rows)
        report.warnings += _lost_characters(path, rows)
        report.warnings += _imbalance(path, rows, known)
    report.warnings += _duplicates(loaded)
    return report


def _figures(path: str, rows: Rows, graph: TextGraph) -> FileReport:
    lengths, unknown = token_lengths(rows, graph)
    special = 2 if rows.pairs is None else 3
    tokens = max(int(lengths.sum()) - special * len(rows), 1)
    return FileReport(
        path=path,
        rows=len(rows),
        left_out=Counter(reason for _, reason in rows.left_out),
        label_counts=rows.label_counts,
        token_percentiles={
            p: int(np.percentile(lengths, p, method="higher")) if len(lengths) else 0 for p in PERCENTILES
        },
        truncated={n: float(np.mean(lengths > n)) if len(lengths) else 0.0 for n in MAX_LENGTHS},
        unk_rate=unknown / tokens,
    )


def token_lengths(rows: Rows, graph: TextGraph, batch: int = 4096) -> tuple[np.ndarray, int]:
    """Returns the tokens of each row with special tokens, int64 [rows], and the count of [UNK]."""
    lengths = np.full(len(rows), 2 if rows.pairs is None else 3, np.int64)
    unknown = 0
    for texts in filter(None, (rows.texts, rows.pairs)):
        for start in range(0, len(texts), batch):
            ids = graph.tokenize(texts[start : start + batch])
            lengths[start : start + batch] += ids.row_lengths().numpy()
            unknown += int(np.sum(ids.flat_values.numpy() == graph.vocabulary.unk))
    return lengths, unknown


def _unknown_labels(path: str, rows: Rows, known: Sequence[str]) -> list[str]:
    unknown = {label: n for label, n in rows.label_counts.items() if label not in known}
    if not unknown:
        return []
    shown = ", ".join(f"{label!r} ({n} rows)" for label, n in list(unknown.items())[:_SHOWN])
    return [
        f"{path}: {len(unknown)} unknown label(s): {shown}. Known: {', '.join(known)}. "
        "Mend them, or name them in data.label_map or data.labels."
    ]


def _left_out(path: str, rows: Rows) -> list[str]:
    by_reason = defaultdict(list)
    for row, reason in rows.left_out:
        by_reason[reason].append(row.line)
    return [
        f"{path}: {len(lines)} row(s) with {reason} will be left out: {_lines(lines)}."
        for reason, lines in by_reason.items()
    ]


def _lost_characters(path: str, rows: Rows) -> list[str]:
    lines = [row.line for row in rows.rows if REPLACEMENT in row.text + (row.pair or "")]
    if not lines:
        return []
    return [f"{path}: {len(lines)} row(s) hold U+FFFD, left by an earlier conversion: {_lines(lines)}."]


def _imbalance(path: str, rows: Rows, known: Sequence[str]) -> list[str]:
    counts = rows.label_counts
    absent = [label for label in known if label not in counts]
    warnings = [f"{path}: no row has the label(s) {', '.join(absent)}."] if absent and rows.rows else []
    if len(counts) > 1 and max(counts.values()) >= 10 * min(counts.values()):
        warnings.append(
            f"{path}: the most frequent label has {max(counts.values())} rows, the rarest "
            f"{min(counts.values())}. Consider training.class_weights: balanced."
        )
    return warnings


def _duplicates(loaded: Sequence[tuple[str, Rows]]) -> list[str]:
    """Warnings on equal texts within a file, across files, and with different labels."""
    warnings = []
    seen_in: dict[str, dict[str, Row]] = {}
    for path, rows in loaded:
        exact = len(rows) - len({(row.text, row.pair) for row in rows.rows})
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows.rows:
            groups[normalized(row)].append(row)
        repeats = len(rows) - len(groups)
        if repeats:
            warnings.append(
                f"{path}: {repeats} row(s) repeat an earlier one apart from width, case and "
                f"punctuation, {exact} of them exactly."
            )
        conflicts = [g for g in groups.values() if len({row.labels for row in g}) > 1]
        if conflicts:
            lines = [row.line for group in conflicts for row in group]
            warnings.append(f"{path}: {len(conflicts)} text(s) carry conflicting labels: {_lines(lines)}.")
        for other, texts in seen_in.items():
            shared = [row.line for key, group in groups.items() if key in texts for row in group]
            if shared:
                warnings.append(
                    f"{path}: {len(shared)} of {len(rows)} row(s) are also in {other}: "
                    f"{_lines(shared)}. Scores on them say nothing about new texts."
                )
        seen_in[path] = {key: group[0] for key, group in groups.items()}
    return warnings


def _lines(lines: Sequence[int]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "line " + ", ".join(map(str, sorted(lines)[:_SHOWN])) + more

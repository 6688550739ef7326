"""Statistics of data files, with errors that would stop a training and warnings."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kerasbert.data.columns import Columns
from kerasbert.data.label_checks import check_label_map
from kerasbert.data.labels import sort_labels
from kerasbert.data.load import Rows, load_rows
from kerasbert.data.near_equal import did_you_mean
from kerasbert.data.row_checks import check_cut, check_other_rows, check_shared, check_training_rows
from kerasbert.errors import DataError
from kerasbert.text import TextGraph

PERCENTILES = (50, 90, 95, 99, 100)
MAX_LENGTHS = (32, 64, 128, 256, 512)
_SHOWN = 5


@dataclass
class FileReport:
    """Statistics of one file."""

    path: str
    rows: int
    left_out: Counter[str]
    label_counts: dict[str, int]
    token_percentiles: dict[int, int]
    truncated: dict[int, float]
    unk_rate: float


@dataclass
class CheckReport:
    """Statistics of all files; `errors` would stop a training, `warnings` would not."""

    files: list[FileReport] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_files(
    paths: Sequence[str | Path],
    columns: Columns,
    labels: Sequence[str],
    text_graph: Callable[[Rows], TextGraph],
) -> CheckReport:
    """Reports on `paths`, the first of which is treated as the training file.

    Args:
        paths: data files.
        columns: how to read them.
        labels: the labels that the task knows. Empty: those of the first file.
        text_graph: returns the text graph that a training on these rows would use.
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
        lengths, unknown = token_lengths(rows, graph)
        report.files.append(_file_report(path, rows, lengths, unknown))
        report.errors += _unknown_labels(path, rows, known)
        if rows is loaded[0][1]:
            report.warnings += check_training_rows(path, rows, known, columns, labels)
        else:
            report.warnings += check_other_rows(path, rows, known)
        report.warnings += check_cut(path, lengths, graph)
    report.warnings += check_label_map(columns, [label for _, rows in loaded for label in rows.label_counts])
    for place, (path, rows) in enumerate(loaded):
        for other_path, other in loaded[:place]:
            report.warnings += check_shared(path, rows, other_path, other)
    return report


def _file_report(path: str, rows: Rows, lengths: np.ndarray, unknown: int) -> FileReport:
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
    """Returns the token count of each row with special tokens, int64 [rows], and the number of [UNK]."""
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
    shown = ", ".join(
        f"{label!r} ({n} rows{did_you_mean(label, known)})" for label, n in list(unknown.items())[:_SHOWN]
    )
    return [
        f"{path}: {len(unknown)} unknown label(s): {shown}. Known: {', '.join(known)}. "
        "Correct them, or add them to data.label_map or data.labels."
    ]

"""Loads usable rows; rows that are left out are counted and can be written to a file."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.data.columns import Columns
from kerasbert.data.labels import sort_labels, spelled_as
from kerasbert.data.near_duplicates import normalized
from kerasbert.data.near_equal import closest
from kerasbert.data.read import Row, read_rows
from kerasbert.data.table import Table
from kerasbert.errors import DataError
from kerasbert.files import write_json_lines
from kerasbert.listing import join_first

_SHOWN = 20
_ADVICE = "Correct the row, or add the label to data.label_map or data.labels."


@dataclass
class Rows:
    """The usable rows of some files, and the rows left out with the reason."""

    rows: list[Row] = field(default_factory=list)
    left_out: list[tuple[Row, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def texts(self) -> list[str]:
        """The text of each row."""
        return [row.text for row in self.rows]

    @property
    def pairs(self) -> list[str] | None:
        """The second text of each row, or None if the rows have none."""
        if not self.rows or self.rows[0].pair is None:
            return None
        return [row.pair or "" for row in self.rows]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels of each row."""
        return [row.labels for row in self.rows]

    @cached_property
    def normalized(self) -> list[str]:
        """The normalised text of each row; the rows must not change afterwards."""
        return [normalized(row) for row in self.rows]

    @property
    def label_counts(self) -> dict[str, int]:
        """How often each label occurs, the most frequent first."""
        return dict(Counter(label for row in self.rows for label in row.labels).most_common())


@dataclass
class SoftRows(Rows):
    """Rows without labels; `targets` are their probabilities, float32 [rows, labels]."""

    targets: np.ndarray = field(default_factory=lambda: np.zeros([0, 0], np.float32), repr=False)


def write_left_out(path: Path, left_out: Iterable[tuple[Row, str]]) -> None:
    """Writes one JSON object for each row left out."""
    write_json_lines(
        path,
        (
            {"file": row.file, "line": row.line, "reason": reason, "text": row.text}
            for row, reason in left_out
        ),
    )


def write_rows(path: Path, rows: Rows) -> None:
    """Writes one JSON object for each row, with the file and line it comes from."""
    write_json_lines(
        path,
        (
            {"file": row.file, "line": row.line, "labels": row.labels, "text": row.text}
            | ({} if row.pair is None else {"pair": row.pair})
            for row in rows.rows
        ),
    )


def load_rows(paths: Iterable[str | Path | Table], columns: Columns, most: int | None = None) -> Rows:
    """Reads files and tables, or the first `most` rows of each, leaving out rows without text or label."""
    result = Rows()
    for path in paths:
        for row in progress.track(islice(read_rows(path, columns), most), f"reading {path}"):
            reason = why_unusable(row, columns)
            if reason:
                result.left_out.append((row, reason))
            else:
                result.rows.append(row)
    return result


def why_unusable(row: Row, columns: Columns) -> str | None:
    """Returns why `row` cannot be used for training, or None."""
    if not row.text.strip() and not (row.pair and row.pair.strip()):
        return "empty text"
    # In a multi-label task an empty set of labels is valid.
    if columns.label and not columns.label_separator and not row.labels:
        return "empty label"
    return None


def labels_of(rows: Rows, fixed: Sequence[str]) -> tuple[str, ...]:
    """Returns the labels in order: `fixed` if given, else those of `rows`, sorted by `sort_labels`.

    Raises:
        DataError: there are fewer than two labels, or one is empty, repeated or has control characters.
    """
    twice = [label for place, label in enumerate(fixed) if label in fixed[:place]]
    if twice:
        raise DataError(f"data.labels: name each label once. Received twice: {twice[0]!r}")
    if not all(label.strip() for label in fixed):
        raise DataError(
            "data.labels: a label must not be empty. Remove it; rows without a label are left out."
        )
    labels = tuple(fixed) or sort_labels(rows.label_counts)
    broken = [label for label in labels if any(unicodedata.category(c) == "Cc" for c in label)]
    if broken:
        raise DataError(
            "data.train: a label must not contain a line break, a tab or another control character. "
            f"Received: {broken[0]!r}"
        )
    if len(labels) < 2 or len(rows.label_counts) < 2:
        found = ", ".join(f"{label} ({n})" for label, n in rows.label_counts.items()) or "none"
        raise DataError(f"data.train: must hold at least two labels. Received: {found}")
    return labels


def require_known_labels(
    rows: Rows,
    labels: Sequence[str],
    advice: str = _ADVICE,
) -> None:
    """Raises `DataError` if a row has a label that is not in `labels`; `advice` ends the message."""
    known = set(labels)
    for row in rows.rows:
        unknown = [label for label in row.labels if label not in known]
        if unknown:
            meant = closest(unknown[0], labels)
            guess = f" Did you mean {meant!r}?" if meant else ""
            raise DataError(
                f"{row.file}:{row.line}: unknown label {unknown[0]!r}.{guess} Known: "
                f"{join_first(labels, _SHOWN)}. {advice}"
            )


def read_valid_rows(
    paths: Iterable[str | Path | Table],
    columns: Columns,
    labels: Sequence[str],
    advice: str = _ADVICE,
    most: int | None = None,
) -> Rows:
    """Reads `paths` as `load_rows` does; the labels must all be in `labels`: see `require_known_labels`."""
    rows = load_rows(paths, columns, most)
    known = set(labels)
    for place, row in enumerate(rows.rows):
        if not known.issuperset(row.labels):
            rows.rows[place] = replace(row, labels=tuple(spelled_as(label, known) for label in row.labels))
    require_known_labels(rows, labels, advice)
    if not rows.rows:
        raise DataError(f"{', '.join(map(str, paths))}: holds no usable row.")
    return rows

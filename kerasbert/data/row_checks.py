"""What in the rows would weaken a training, a sentence each: `data check` and `train` say the same."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from kerasbert.data.columns import Columns
from kerasbert.data.label_checks import check_labels, check_labels_present
from kerasbert.data.load import Rows
from kerasbert.data.read import REPLACEMENT, Row
from kerasbert.listing import SHOWN, join_first


def check_training_rows(
    name: str, rows: Rows, labels: Sequence[str], columns: Columns, given: Sequence[str] = ()
) -> list[str]:
    """Returns warnings about rows to train on.

    Args:
        name: of the file, or the key that names several.
        rows: all of them, before they are split.
        labels: the labels the task knows.
        columns: how the rows were read.
        given: labels that the configuration names.
    """
    return [
        *_check_rows(name, rows),
        *check_labels(name, rows, labels, columns, given),
    ]


def check_other_rows(name: str, rows: Rows, labels: Sequence[str]) -> list[str]:
    """Returns warnings about rows to validate or test on."""
    return [*_check_rows(name, rows), *check_labels_present(name, rows, labels)]


def check_shared(name: str, rows: Rows, other_name: str, other: Rows) -> list[str]:
    """Returns a warning if texts of `rows` are in `other` too."""
    theirs = set(other.normalized)
    shared = [row for row, text in zip(rows.rows, rows.normalized, strict=True) if text in theirs]
    if not shared:
        return []
    return [
        f"{name}: {len(shared)} of {len(rows)} row(s) are also in {other_name}: {_lines(shared)}. Scores on "
        "them say nothing about new texts."
    ]


def check_cut(name: str, lengths: np.ndarray, max_length: int) -> list[str]:
    """Returns a warning if rows are cut.

    Args:
        name: of the rows.
        lengths: tokens of each row with the special ones, int [rows].
        max_length: what a model sees.
    """
    cut = int(np.sum(lengths > max_length))
    if not cut:
        return []
    return [
        f"{name}: {cut:,} of {len(lengths):,} row(s) ({cut / len(lengths):.1%}) are longer than "
        f"training.max_length, {max_length} tokens, and are cut."
    ]


def _check_rows(name: str, rows: Rows) -> list[str]:
    return [*_left_out(name, rows), *check_lost_characters(name, rows), *_repeats(name, rows)]


def _left_out(name: str, rows: Rows) -> list[str]:
    by_reason = defaultdict(list)
    for row, reason in rows.left_out:
        by_reason[reason].append(row)
    return [
        f"{name}: {len(found)} row(s) with {reason} will be left out: {_lines(found)}."
        for reason, found in by_reason.items()
    ]


class LostCharacters:
    """Notes which rows an earlier conversion damaged, and keeps only the first of them."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[Row] = []

    def note(self, row: Row) -> None:
        """Looks at a row."""
        if REPLACEMENT in "".join((row.text, row.pair or "", *row.labels)):
            self._count += 1
            if len(self._first) < SHOWN:
                self._first.append(row)

    def warnings(self, name: str | None = None) -> list[str]:
        """Returns a warning on the damaged rows, if there were any; `name` is that of their file."""
        if not self._count:
            return []
        name, lines = name or self._first[0].file, _lines(self._first, self._count)
        return [f"{name}: {self._count} row(s) hold U+FFFD, left by an earlier conversion: {lines}."]


def check_lost_characters(name: str, rows: Rows) -> list[str]:
    """Returns a warning that names the rows which an earlier conversion damaged."""
    lost = LostCharacters()
    for row in rows.rows:
        lost.note(row)
    return lost.warnings(name)


def _repeats(name: str, rows: Rows) -> list[str]:
    """Warnings on equal texts, and on equal texts with different labels."""
    counts = Counter(rows.normalized)
    repeats = len(rows) - len(counts)
    if not repeats:
        return []
    exact = len(rows) - len({(row.text, row.pair) for row in rows.rows})
    warnings = [
        f"{name}: {repeats} row(s) repeat an earlier one apart from width, case and punctuation, {exact} "
        "of them exactly."
    ]
    groups: dict[str, list[Row]] = defaultdict(list)
    for row, text in zip(rows.rows, rows.normalized, strict=True):
        if counts[text] > 1:
            groups[text].append(row)
    conflicts = [group for group in groups.values() if len({row.labels for row in group}) > 1]
    if conflicts:
        found = [row for group in conflicts for row in group]
        warnings.append(f"{name}: {len(conflicts)} text(s) carry conflicting labels: {_lines(found)}.")
    return warnings


def _lines(rows: Sequence[Row], count: int | None = None) -> str:
    """Names the first lines; with their files if there are several. `count` is of all rows."""
    if len({row.file for row in rows}) == 1:
        return "line " + join_first([str(line) for line in sorted(row.line for row in rows)], count=count)
    return join_first([f"{row.file}:{row.line}" for row in rows], count=count)

"""Warnings about rows that would weaken a training, for `data check` and `train`."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerasbert.data.columns import Columns
from kerasbert.data.label_checks import check_labels, check_labels_present
from kerasbert.data.load import Rows
from kerasbert.data.read import REPLACEMENT, Row
from kerasbert.language import listed, tr
from kerasbert.listing import SHOWN

if TYPE_CHECKING:
    from kerasbert.text import TextGraph


def check_training_rows(
    name: str, rows: Rows, labels: Sequence[str], columns: Columns, configured: Sequence[str] = ()
) -> list[str]:
    """Returns warnings about training rows.

    Args:
        name: the file, or the configuration key that names several.
        rows: all rows, before the split.
        labels: the labels that the task knows.
        columns: how the rows were read.
        configured: labels that the configuration names.
    """
    return [
        *_check_rows(name, rows),
        *check_labels(name, rows, labels, columns, configured),
    ]


def check_other_rows(name: str, rows: Rows, labels: Sequence[str]) -> list[str]:
    """Returns warnings about validation or test rows."""
    return [*_check_rows(name, rows), *check_labels_present(name, rows, labels)]


def check_shared(name: str, rows: Rows, other_name: str, other: Rows) -> list[str]:
    """Returns a warning if texts of `rows` also occur in `other`."""
    theirs = set(other.normalized)
    shared = [row for row, text in zip(rows.rows, rows.normalized, strict=True) if text in theirs]
    if not shared:
        return []
    return [
        tr(
            "{name}: {shared} of {rows} row(s) are also in {other}: {lines}. Scores on them do not measure "
            "generalisation.",
            name=name,
            shared=len(shared),
            rows=len(rows),
            other=other_name,
            lines=_lines(shared),
        )
    ]


def check_cut(name: str, lengths: np.ndarray, graph: "TextGraph") -> list[str]:
    """Returns a warning if rows are truncated.

    Args:
        name: name of the rows, for the message.
        lengths: token count of each row, special tokens included, int [rows].
        graph: that of the model.
    """
    longest = graph.windows.budget + 2
    cut = int(np.sum(lengths > longest))
    if not cut:
        return []
    limit = tr("training.max_length, {tokens} tokens", tokens=longest)
    if graph.windows.most > 1:
        windows, tokens = graph.windows.most, graph.max_length
        limit = tr("text.windows, {windows} of {tokens} tokens", windows=windows, tokens=tokens)
    return [
        tr(
            "{name}: {cut:,} of {rows:,} row(s) ({share:.1%}) are longer than {limit}, and are truncated.",
            name=name,
            cut=cut,
            rows=len(lengths),
            share=cut / len(lengths),
            limit=limit,
        )
    ]


def _check_rows(name: str, rows: Rows) -> list[str]:
    return [*_left_out(name, rows), *check_lost_characters(name, rows), *_repeats(name, rows)]


def _left_out(name: str, rows: Rows) -> list[str]:
    by_reason = defaultdict(list)
    for row, reason in rows.left_out:
        by_reason[reason].append(row)
    return [
        tr(
            "{name}: {rows} row(s) with {reason} will be left out: {lines}.",
            name=name,
            rows=len(found),
            reason=tr(reason),
            lines=_lines(found),
        )
        for reason, found in by_reason.items()
    ]


class LostCharacters:
    """Counts rows that an earlier conversion damaged, and keeps the first few."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[Row] = []

    def note(self, row: Row) -> None:
        """Checks a row."""
        if REPLACEMENT in "".join((row.text, row.pair or "", *row.labels)):
            self._count += 1
            if len(self._first) < SHOWN:
                self._first.append(row)

    def warnings(self, name: str | None = None) -> list[str]:
        """Returns a warning if there were damaged rows; `name` is the name of their file."""
        if not self._count:
            return []
        return [
            tr(
                "{name}: {rows} row(s) contain U+FFFD, left by an earlier conversion: {lines}.",
                name=name or self._first[0].file,
                rows=self._count,
                lines=_lines(self._first, self._count),
            )
        ]


def check_lost_characters(name: str, rows: Rows) -> list[str]:
    """Returns a warning that lists the rows damaged by an earlier conversion."""
    lost = LostCharacters()
    for row in rows.rows:
        lost.note(row)
    return lost.warnings(name)


def _repeats(name: str, rows: Rows) -> list[str]:
    """Returns warnings about duplicate texts, and about duplicates with different labels."""
    counts = Counter(rows.normalized)
    repeats = len(rows) - len(counts)
    if not repeats:
        return []
    exact = len(rows) - len({(row.text, row.pair) for row in rows.rows})
    warnings = [
        tr(
            "{name}: {repeats} row(s) duplicate an earlier one up to width, case and punctuation, {exact} of "
            "them exactly.",
            name=name,
            repeats=repeats,
            exact=exact,
        )
    ]
    groups: dict[str, list[Row]] = defaultdict(list)
    for row, text in zip(rows.rows, rows.normalized, strict=True):
        if counts[text] > 1:
            groups[text].append(row)
    conflicts = [group for group in groups.values() if len({row.labels for row in group}) > 1]
    if conflicts:
        found = [row for group in conflicts for row in group]
        warnings.append(
            tr(
                "{name}: {texts} text(s) have conflicting labels: {lines}.",
                name=name,
                texts=len(conflicts),
                lines=_lines(found),
            )
        )
    return warnings


def _lines(rows: Sequence[Row], count: int | None = None) -> str:
    """Lists the first line numbers, with file names if there are several; `count` counts all rows."""
    if len({row.file for row in rows}) == 1:
        lines = [str(line) for line in sorted(row.line for row in rows)]
        return tr("line {lines}", lines=listed(lines, SHOWN, count))
    return listed([f"{row.file}:{row.line}" for row in rows], SHOWN, count)

"""Applies a reviewed table of issues: writes the rows, relabelled or left out as it says."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kerasbert import progress
from kerasbert.data import Columns, Row, read_rows
from kerasbert.data.near_equal import did_you_mean
from kerasbert.data.write import write_cells
from kerasbert.errors import DataError
from kerasbert.listing import join_first

ACTIONS = ("keep", "relabel", "remove")
_NEEDED = ("action", "suggested", "file", "line")


@dataclass(frozen=True)
class Action:
    """What a reviewer decided about a row: `relabel` or `remove`, the new label, the text as reviewed."""

    name: str
    label: str
    text: str
    place: str


def apply_review(
    reviewed: str, files: Sequence[str], columns: Columns, labels: Sequence[str], output: str
) -> Counter[str]:
    """Writes the rows of `files` to `output`, in order and with all their columns.

    Args:
        reviewed: the table of issues, with the column `action` filled in: CSV, TSV, JSON lines or Excel.
        files: the rows that were reviewed.
        columns: how to read them.
        labels: the labels that a row may get. Empty: those of `files`.
        output: a .csv, .tsv or .jsonl file.

    Returns:
        The number of rows by what was done: keep, relabel and remove.

    Raises:
        UserError: an action or a label is unknown, or a row is not where the review found it.
    """
    columns = replace(columns, whole=True)
    known = set(labels) or {label for row in _rows(files, columns) for label in row.labels}
    actions = _read_actions(reviewed, known, columns)
    counts: Counter[str] = Counter()

    def records() -> Iterator[dict[str, Any]]:
        for row in progress.track(_rows(files, columns), "applying the review"):
            action = actions.pop((row.file, row.line), None)
            counts[action.name if action else "keep"] += 1
            if action:
                _require_same_text(action, row)
            cells = dict(row.cells or {})
            if action is None:
                yield cells
            elif action.name == "relabel":
                yield {**cells, columns.label or "": action.label}
        if actions:
            (file, line), action = next(iter(actions.items()))
            raise DataError(
                f"{action.place}: is about {file}:{line}, which is not among the rows read "
                f"({join_first(list(files))}). Name the files as in the review."
            )

    write_cells(records(), output)
    return counts


def _rows(files: Sequence[str], columns: Columns) -> Iterator[Row]:
    for file in files:
        yield from read_rows(file, columns)


def _read_actions(reviewed: str, known: set[str], columns: Columns) -> dict[tuple[str, int], Action]:
    actions: dict[tuple[str, int], Action] = {}
    table = Columns(label=None, table=True, whole=True, encoding=columns.encoding, settings=columns.settings)
    for row in read_rows(reviewed, table):
        place, cells = f"{row.file}:{row.line}", row.cells or {}
        if missing := [name for name in _NEEDED if name not in cells]:
            raise DataError(
                f"{place}: has no column {missing[0]!r}. Apply the table that `kerasbert data clean` wrote."
            )
        name = str(cells["action"] or "").strip().lower()
        if name in ("", "keep"):
            continue
        if name not in ACTIONS:
            raise DataError(
                f"{place}: action must be empty or one of {', '.join(ACTIONS)}. Received: {cells['action']!r}"
            )
        label = str(cells["suggested"] or "").strip() if name == "relabel" else ""
        if name == "relabel":
            _require_label(label, known, columns, place)
        line = str(cells["line"]).strip().removesuffix(".0")
        if not line.isdecimal():
            raise DataError(f"{place}: line must be a number. Received: {cells['line']!r}")
        key = (str(cells["file"]), int(line))
        if key in actions:
            raise DataError(f"{place}: {key[0]}:{line} has an action already. Keep one of them.")
        actions[key] = Action(name, label, row.text, place)
    return actions


def _require_label(label: str, known: set[str], columns: Columns, place: str) -> None:
    separator = columns.label_separator
    if not label and separator is None:
        raise DataError(f"{place}: relabel needs the new label in the column 'suggested'.")
    for one in label.split(separator) if separator and label else filter(None, [label]):
        if one.strip() not in known:
            raise DataError(
                f"{place}: unknown label {one.strip()!r}{did_you_mean(one.strip(), known)}. Known: "
                f"{join_first(sorted(known), 20)}. Correct it, or add it to data.labels."
            )


def _require_same_text(action: Action, row: Row) -> None:
    if action.text.split() != row.text.split():
        raise DataError(
            f"{action.place}: has another text than {row.file}:{row.line}. The file has changed since the "
            "review: review it again."
        )

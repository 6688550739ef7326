"""The progress of a training: a bar while a segment runs, and a line of a table when it ends."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kerasbert import progress


class Column(NamedTuple):
    """A column of the table: its head, the key of the record, and how the value is shown."""

    head: str
    key: str
    width: int
    format: str  # of the value; True is shown as a star, False as nothing


class ProgressReporter:
    """Shows a training where `progress` is shown.

    Args:
        columns: of the table; a value that a record lacks is shown as a dash.
    """

    def __init__(self, columns: Sequence[Column]):
        self._columns = columns
        self._headed = False
        self._bar = contextlib.ExitStack()
        self._phase = progress.Phase("")

    def __enter__(self) -> "ProgressReporter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, name: str, steps: int) -> None:
        """Starts a bar, the first time below the heads of the columns."""
        self.close()
        if not self._headed:
            self._headed = True
            self._print(f"{column.head:>{column.width}}" for column in self._columns)
        self._phase = self._bar.enter_context(progress.phase(name, steps))

    def move(self, done: int) -> None:
        """Moves the bar to `done` steps."""
        self._phase.move(done)

    def line(self, record: Mapping[str, Any]) -> None:
        """Replaces the bar by a line of the table."""
        self.close()
        self._print(_cell(column, record.get(column.key)) for column in self._columns)

    def close(self) -> None:
        """Removes the bar."""
        self._bar.close()

    def _print(self, cells: Iterable[str]) -> None:
        progress.console().print("  ".join(cells), highlight=False)


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return f"{'-':>{column.width}}"
    if isinstance(value, bool):
        return f"{'*' if value else '':>{column.width}}"
    return f"{value:>{column.width}{column.format}}"

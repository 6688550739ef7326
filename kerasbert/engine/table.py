"""Lines of figures in fixed columns, and a bar while the steps of the next line run."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kerasbert import progress


class Column(NamedTuple):
    """A figure of a line: its head, its name, and how wide and in which format it is shown."""

    head: str
    name: str
    width: int
    format: str


class Table:
    """Shows how a training goes, where phases are shown.

    Args:
        columns: of the lines; a figure that a line lacks is shown as a dash.
    """

    def __init__(self, columns: Sequence[Column]):
        self._columns = columns
        self._bar = contextlib.ExitStack()
        self._steps = progress.Phase("")

    def start(self, description: str, steps: int) -> None:
        """Starts a bar."""
        self.close()
        self._steps = self._bar.enter_context(progress.phase(description, steps))

    def move(self, done: int) -> None:
        """Moves the bar to `done` steps."""
        self._steps.move(done)

    def close(self) -> None:
        """Removes the bar."""
        self._bar.close()

    def heads(self) -> None:
        """Shows the heads of the columns."""
        self._print(f"{column.head:>{column.width}}" for column in self._columns)

    def line(self, figures: Mapping[str, Any]) -> None:
        """Replaces the bar by a line."""
        self.close()
        self._print(
            f"{figures[name]:>{width}{form}}" if name in figures else f"{'-':>{width}}"
            for _, name, width, form in self._columns
        )

    def _print(self, cells: Any) -> None:
        progress.console().print("  ".join(cells), highlight=False)

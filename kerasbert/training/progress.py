"""A bar while steps run (on a terminal), and lines of figures in fixed columns."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import rich.progress
from rich.console import Console


class Column(NamedTuple):
    """A figure of a line: its head, its name, and how wide and in which format it is shown."""

    head: str
    name: str
    width: int
    format: str


class Progress:
    """Shows how a training goes.

    Args:
        console: where.
        columns: of the lines; a figure that a line lacks is shown as a dash.
    """

    def __init__(self, console: Console, columns: Sequence[Column]):
        self._console, self._columns = console, columns
        self._bar: rich.progress.Progress | None = None

    def start(self, description: str, steps: int) -> None:
        """Starts a bar."""
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar.add_task(description, total=steps)
        self._bar.start()

    def move(self, done: int) -> None:
        """Moves the bar to `done` steps."""
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def close(self) -> None:
        """Removes the bar."""
        if self._bar:
            self._bar.stop()
            self._bar = None

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
        self._console.print("  ".join(cells), highlight=False)

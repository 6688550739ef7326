"""A bar while a stretch runs (on a terminal) and a line with fixed columns when it ends."""

from collections.abc import Mapping
from typing import Any

import keras
import rich.progress
from rich.console import Console

_COLUMNS = (
    ("step", "step", 8, "d"),
    ("MLM loss", "mlm_loss", 8, ".4f"),
    ("acc", "mlm_accuracy", 6, ".3f"),
    ("val loss", "val_mlm_loss", 8, ".4f"),
    ("val acc", "val_mlm_accuracy", 7, ".3f"),
    ("perplexity", "val_perplexity", 10, ".2f"),
    ("NSP acc", "nsp_accuracy", 7, ".3f"),
    ("val NSP", "val_nsp_accuracy", 7, ".3f"),
    ("rate", "learning_rate", 8, ".1e"),
    ("examples/s", "examples_per_second", 10, ".0f"),
)


class Progress(keras.callbacks.Callback):
    """Shows how a pre-training goes."""

    def __init__(self, console: Console, steps: int, nsp: bool):
        super().__init__()
        self._console, self._steps = console, steps
        self._columns = [column for column in _COLUMNS if nsp or "nsp" not in column[1]]
        self._headed = False
        self._bar: rich.progress.Progress | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the bar."""
        columns = (rich.progress.BarColumn(), rich.progress.MofNCompleteColumn())
        self._bar = rich.progress.Progress(
            *columns,
            rich.progress.TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar.add_task("", total=self.params["steps"])
        self._bar.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar."""
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=batch + 1)

    def line(self, figures: Mapping[str, Any]) -> None:
        """Replaces the bar by the line of a stretch."""
        self.close()
        if not self._headed:
            heads = (f"{head:>{width}}" for head, _, width, _ in self._columns)
            self._console.print(f"of {self._steps:,} steps\n" + "  ".join(heads), highlight=False)
            self._headed = True
        cells = (
            f"{figures[name]:>{width}{form}}" if name in figures else f"{'-':>{width}}"
            for _, name, width, form in self._columns
        )
        self._console.print("  ".join(cells), highlight=False)

    def close(self) -> None:
        """Removes the bar."""
        if self._bar:
            self._bar.stop()
            self._bar = None

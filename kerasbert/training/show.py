"""What a fine-tuning shows: a bar while an epoch runs and a line when it ends."""

from typing import Any

from rich.console import Console

from kerasbert.training.progress import Column, Progress

_COLUMNS = (
    Column("epoch", "epoch", 5, "d"),
    Column("loss", "loss", 8, ".4f"),
    Column("val loss", "val_loss", 8, ".4f"),
    Column("val acc", "val_accuracy", 7, ".4f"),
    Column("val F1", "val_macro_f1", 7, ".4f"),
    Column("rate", "learning_rate", 8, ".1e"),
    Column("rows/s", "rows_per_second", 7, ".0f"),
    Column("seconds", "seconds", 7, ".1f"),
    Column("best", "star", 4, ""),
)


class Show:
    """Shows how a fine-tuning goes."""

    def __init__(self, console: Console, steps: int, epochs: int):
        self._console, self._progress = console, Progress(console, _COLUMNS)
        self._steps, self._epochs = steps, epochs
        self._headed = False

    def note(self, text: str) -> None:
        """Shows a sentence."""
        self._console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def begin(self, epoch: int) -> None:
        """Starts the bar of an epoch, counted from 0; the first time under the heads of the columns."""
        if not self._headed:
            self._progress.heads()
            self._headed = True
        self._progress.close()
        self._progress.start(f"epoch {epoch + 1}/{self._epochs}", self._steps)

    def move(self, step: int) -> None:
        """Moves the bar to a step of the epoch."""
        self._progress.move(step)

    def line(self, record: dict[str, Any]) -> None:
        """Replaces the bar by the line of an epoch."""
        self._progress.line({**record, "star": "*" if record["best"] else ""})

    def close(self) -> None:
        """Removes the bar."""
        self._progress.close()

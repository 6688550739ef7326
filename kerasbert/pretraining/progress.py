"""A bar while a stretch runs and a line when it ends."""

from typing import Any

import keras
from rich.console import Console

from kerasbert.training.progress import Column, Progress

_COLUMNS = (
    Column("step", "step", 8, "d"),
    Column("MLM loss", "mlm_loss", 8, ".4f"),
    Column("acc", "mlm_accuracy", 6, ".3f"),
    Column("val loss", "val_mlm_loss", 8, ".4f"),
    Column("val acc", "val_mlm_accuracy", 7, ".3f"),
    Column("perplexity", "val_perplexity", 10, ".2f"),
    Column("NSP acc", "nsp_accuracy", 7, ".3f"),
    Column("val NSP", "val_nsp_accuracy", 7, ".3f"),
    Column("rate", "learning_rate", 8, ".1e"),
    Column("examples/s", "examples_per_second", 10, ".0f"),
)


def pretraining_progress(console: Console, nsp: bool) -> Progress:
    """Returns the progress of a pre-training, with or without next sentence prediction."""
    return Progress(console, [column for column in _COLUMNS if nsp or "nsp" not in column.name])


class MoveBar(keras.callbacks.Callback):
    """Moves the bar through a stretch."""

    def __init__(self, progress: Progress):
        super().__init__()
        self._progress = progress

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the bar."""
        self._progress.start("", self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar."""
        self._progress.move(batch + 1)

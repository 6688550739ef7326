"""What happens at the end of each epoch: validate, keep the best weights, write history, show a line."""

import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import TrainingConfig
from kerasbert.data import Rows
from kerasbert.data.batches import prediction_batches, tokenize_rows
from kerasbert.errors import KerasBertError
from kerasbert.files import explain_write_errors
from kerasbert.tasks import Task
from kerasbert.tasks.metrics import decisions, score_decisions
from kerasbert.text import TextGraph, Vocabulary
from kerasbert.training.progress import Column, Progress


class Validate(keras.callbacks.Callback):
    """Adds `val_loss`, `val_accuracy` and `val_macro_f1` to the logs, from the task's own decisions."""

    def __init__(self, task: Task, rows: Rows, graph: TextGraph, batch_size: int):
        super().__init__()
        self._task = task
        self._batches, self._order = prediction_batches(tokenize_rows(rows, graph), graph, batch_size)
        self._targets = task.targets(rows.labels)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validates."""
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in self.figures().items()})

    def figures(self) -> dict[str, float]:
        """Returns loss, accuracy and macro F1 of the model as it is."""
        sorted_logits = self.model.predict(self._batches, verbose=0)[: len(self._order)]
        logits = np.empty_like(sorted_logits)
        logits[self._order] = sorted_logits
        outputs = self._task.decide(tf.constant(logits))
        arrays = {name: value.numpy() for name, value in outputs.items()}
        labels = self._task.labels
        scores = score_decisions(self._targets, decisions(arrays, len(labels)), labels)
        return {
            "loss": float(self._task.loss()(self._targets, logits)),
            "accuracy": scores["accuracy"],
            "macro_f1": scores["macro_f1"],
        }


class KeepBest(keras.callbacks.Callback):
    """Saves the weights whenever the monitored figure is better than ever; stops when patience ends."""

    def __init__(
        self,
        model: keras.Model,
        run: RunDirectory,
        vocabulary: Vocabulary,
        task: Task,
        config: TrainingConfig,
    ):
        super().__init__()
        self._plain_model, self._run = model, run
        self._vocabulary, self._task = vocabulary, task
        self._monitor = f"val_{config.monitor}"
        self._sign = -1.0 if config.monitor == "loss" else 1.0
        self._patience = config.early_stopping_patience
        self.best = -np.inf
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compares and saves."""
        logs = logs or {}
        lost = {name: logs[name] for name in ("loss", "val_loss") if not np.isfinite(logs.get(name, 0.0))}
        if lost:
            name, figure = next(iter(lost.items()))
            raise KerasBertError(
                f"epoch {epoch + 1}: the {name} is {figure}. Lower training.learning_rate, or use "
                "training.precision: float32. The best weights before are kept."
            )
        value = self._sign * logs[self._monitor]
        logs["best"] = bool(value > self.best)
        if value > self.best:
            self.best = float(value)
            self.best_epoch = epoch + 1
            self.save()
        elif self._patience and epoch + 1 - self.best_epoch >= self._patience:
            self.model.stop_training = True

    def save(self) -> None:
        """Saves the weights as they are."""
        self._run.save_weights(self._plain_model, self._vocabulary, self._task.labels)


class History(keras.callbacks.Callback):
    """Times the epochs, fills the log with what Keras leaves out and appends it to history.jsonl."""

    def __init__(self, path: Path, rows: int):
        super().__init__()
        self._path, self._rows = path, rows
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes a line."""
        logs = logs if logs is not None else {}
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        logs["seconds"] = time.perf_counter() - self._start
        logs["rows_per_second"] = self._rows / logs["seconds"]
        record = {"epoch": epoch + 1, **logs}
        with explain_write_errors(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


class ShowProgress(keras.callbacks.Callback):
    """A bar while an epoch runs and a line when it ends."""

    _columns = (
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

    def __init__(self, console: Console, steps: int, epochs: int):
        super().__init__()
        self._progress = Progress(console, self._columns)
        self._steps, self._epochs = steps, epochs
        self._headed = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Shows the column heads, once."""
        if not self._headed:
            self._progress.heads()
            self._headed = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the bar."""
        self._progress.start(f"epoch {epoch + 1}/{self._epochs}", self._steps)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar."""
        self._progress.move(batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Replaces the bar by the epoch's line."""
        values = {**(logs or {}), "epoch": epoch + 1}
        self._progress.line({**values, "star": "*" if values.get("best") else ""})

    def close(self) -> None:
        """Removes the bar."""
        self._progress.close()

"""What a fine-tuning does besides its steps: epochs, thawing, validation, and keeping the best weights."""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from kerasbert.checkpoints import RunDirectory
from kerasbert.engine.checkpoints import Position
from kerasbert.engine.loop import Segment
from kerasbert.engine.progress_reporter import Column
from kerasbert.engine.trainer import Trainer
from kerasbert.training.prepare import Prepared
from kerasbert.training.rates import depth_of, lowest_trained
from kerasbert.training.training_rows import TrainingRows
from kerasbert.training.validation import Validation


class FineTuning:
    """The recipe of a fine-tuning, for `engine.Loop`: its segments are epochs.

    Args:
        prepared: the inputs.
        run: where the best weights are kept; None on workers that write nothing.
        trainer: with its model.
        rows: the training rows.
        on_epoch: see `train`.
    """

    def __init__(
        self,
        prepared: Prepared,
        run: RunDirectory | None,
        trainer: Trainer,
        rows: TrainingRows,
        on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    ):
        self._prepared, self._run, self._trainer = prepared, run, trainer
        self._rows, self._on_epoch = rows, on_epoch
        self._config = prepared.config.training
        self._validation = Validation(trainer.model, prepared, trainer.strategy)
        self._metrics: dict[str, float] = {}

    def segments(self, position: Position) -> Iterator[Segment]:
        """Yields the epochs that are left, until they stop getting better."""
        steps, epochs = self._rows.steps, self._config.epochs
        for epoch in range(position.step // steps, epochs):
            if position.best.is_over(epoch, self._config):
                return
            yield Segment(f"epoch {epoch + 1}/{epochs}", epoch + 1, epoch * steps, steps)
            if self._on_epoch:
                self._on_epoch(epoch + 1, self._metrics)

    def batches(self, step: int) -> tf.data.Dataset:
        """Returns the batches of all epochs from `step` on."""
        return self._rows.batches(step)

    def begin(self, segment: Segment) -> None:
        """Lets the epoch train what is not frozen."""
        layers = self._trainer.model.get_layer("backbone").num_layers
        lowest = lowest_trained(self._config, layers, segment.number - 1)

        def is_trained(path: str) -> bool:
            depth = depth_of(path, layers)
            return depth is None or depth >= lowest

        self._trainer.train_only(is_trained)

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns the metrics on the validation rows, of the averaged weights if there are averages."""
        with self._trainer.averaged():
            self._metrics = self._validation()
        return self._metrics

    def end(
        self,
        segment: Segment,
        position: Position,
        means: dict[str, float],
        metrics: dict[str, float],
        seconds: float,
    ) -> dict[str, Any]:
        """Keeps the weights if the epoch is the best so far."""
        best = position.best.update(segment.number, metrics, self._config)
        if best:
            self.keep()
        return {
            "epoch": segment.number,
            **means,
            **{f"val_{name}": value for name, value in metrics.items()},
            "best": best,
            "rows_per_second": len(self._rows) / seconds,
        }

    def keep(self) -> None:
        """Saves the weights, or their averages, as the best."""
        if self._run:
            with self._trainer.averaged():
                self._run.save_weights(
                    self._trainer.model, self._prepared.vocabulary, self._prepared.task.labels
                )

    def resumed(self, position: Position) -> None:
        """Drops the epochs from the history that will be trained again."""
        if self._run:
            self._run.cut_history(position.step // self._rows.steps)


def columns(several: bool) -> list[Column]:
    """Returns the columns that show the epochs; `several`: a row may have several labels."""
    f1 = Column("micro F1", "val_micro_f1", 8, ".4f")
    return [
        Column("epoch", "epoch", 5, "d"),
        Column("loss", "loss", 8, ".4f"),
        Column("val loss", "val_loss", 8, ".4f"),
        Column("val acc", "val_accuracy", 7, ".4f"),
        f1 if several else Column("macro F1", "val_macro_f1", 8, ".4f"),
        Column("rate", "learning_rate", 8, ".1e"),
        Column("rows/s", "rows_per_second", 7, ".0f"),
        Column("seconds", "seconds", 7, ".1f"),
        Column("best", "best", 4, ""),
    ]

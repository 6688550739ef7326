"""The epochs of a fine-tuning."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from kerasbert.checkpoints import RunDirectory
from kerasbert.engine.best import Best
from kerasbert.engine.progress_reporter import Column
from kerasbert.engine.recipe import Segment
from kerasbert.engine.strategy import is_chief
from kerasbert.engine.trainer import Trainer
from kerasbert.training.prepare import Prepared
from kerasbert.training.rates import depth_of, lowest_trained
from kerasbert.training.training_rows import TrainingRows
from kerasbert.training.validation import Validation


class FineTuning:
    """The recipe of a fine-tuning: each epoch is validated, and the weights of the best one are kept.

    Args:
        prepared: the inputs.
        run: where the best weights go.
        trainer: of the model.
        rows: the training rows.
    """

    count, unit = "epoch", "rows"

    def __init__(self, prepared: Prepared, run: RunDirectory, trainer: Trainer, rows: TrainingRows):
        self._prepared, self._settings = prepared, prepared.config.training
        self._run, self._trainer, self._rows = run, trainer, rows
        epochs = self._settings.epochs
        self._validate = Validation(trainer.model, prepared, trainer.strategy)
        self.segments: Sequence[Segment] = [
            Segment(epoch, f"epoch {epoch}/{epochs}", (epoch - 1) * rows.steps, rows.steps, len(rows))
            for epoch in range(1, epochs + 1)
        ]

    def is_over(self, segment: Segment, best: Best) -> bool:
        """Whether no epoch was better for `early_stopping_patience` epochs."""
        return best.is_over(segment.number - 1, self._settings)

    def begin(self, segment: Segment) -> None:
        """Selects the weights that the epoch trains, those that are not frozen."""
        layers = self._trainer.model.encoder.num_layers
        lowest = lowest_trained(self._settings, layers, segment.number - 1)

        def trained(path: str) -> bool:
            depth = depth_of(path, layers)
            return depth is None or depth >= lowest

        self._trainer.train_only(trained)

    def batches(self, segment: Segment, step: int) -> tf.data.Dataset:
        """Returns the batches of all epochs from `step` on."""
        return self._rows.batches(step)

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns the metrics on the validation rows."""
        return self._validate()

    def end(self, segment: Segment, metrics: Mapping[str, float], best: Best) -> dict[str, Any]:
        """Saves the weights if the epoch is the best, and returns whether it is."""
        is_best = best.update(segment.number, metrics, self._settings)
        if is_best:
            self.save_weights()
        return {"best": is_best}

    def save_weights(self) -> None:
        """Saves the weights, or their averages, as the best."""
        if is_chief(self._trainer.strategy):
            labels = self._prepared.task.labels
            with self._trainer.averaged():
                self._run.save_weights(self._trainer.model, self._prepared.vocabulary, labels)


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

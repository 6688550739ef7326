"""What a fine-tuning shows: what it is about, a bar while an epoch runs, and a line when it ends."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.engine.strategy import devices
from kerasbert.engine.table import Column, Table
from kerasbert.listing import join_first
from kerasbert.training.prepare import Prepared
from kerasbert.training.training_rows import TrainingRows

_MOST_LABELS = 10


class Show:
    """Shows how a fine-tuning goes, where phases are shown.

    Args:
        steps: of an epoch.
        epochs: of the training.
        several: whether a row may have several labels.
    """

    def __init__(self, steps: int, epochs: int, several: bool = False):
        self._steps, self._epochs = steps, epochs
        self._headed = False
        f1 = Column("micro F1", "val_micro_f1", 8, ".4f")
        self._table = Table(
            [
                Column("epoch", "epoch", 5, "d"),
                Column("loss", "loss", 8, ".4f"),
                Column("val loss", "val_loss", 8, ".4f"),
                Column("val acc", "val_accuracy", 7, ".4f"),
                f1 if several else Column("macro F1", "val_macro_f1", 8, ".4f"),
                Column("rate", "learning_rate", 8, ".1e"),
                Column("rows/s", "rows_per_second", 7, ".0f"),
                Column("seconds", "seconds", 7, ".1f"),
                Column("best", "star", 4, ""),
            ]
        )

    def begin(self, epoch: int) -> None:
        """Starts the bar of an epoch, counted from 0; the first time under the heads of the columns."""
        if not self._headed:
            self._table.heads()
            self._headed = True
        self._table.start(f"epoch {epoch + 1}/{self._epochs}", self._steps)

    def move(self, step: int) -> None:
        """Moves the bar to a step of the epoch."""
        self._table.move(step)

    def line(self, record: dict[str, Any]) -> None:
        """Replaces the bar by the line of an epoch."""
        self._table.line({**record, "star": "*" if record["best"] else ""})

    def close(self) -> None:
        """Removes the bar."""
        self._table.close()


def opening(prepared: Prepared, rows: TrainingRows, strategy: tf.distribute.Strategy) -> str:
    """Returns what a training is about: rows, labels, lengths, steps, devices."""
    settings = prepared.config.training
    left_out = len(prepared.train.left_out) + len(prepared.validation.left_out)
    more = {"augmented": prepared.augmented, "unlabelled": prepared.unlabelled}
    counts = [f"{len(prepared.train):,} to train on"]
    counts += [f"{len(of):,} {name}" for name, of in more.items() if len(of)]
    counts += [f"{len(prepared.validation):,} to validate on", f"{left_out:,} left out"]
    lengths, cut = rows.lengths, int(np.sum(rows.lengths > settings.max_length))
    middle, most = np.percentile(lengths, [50, 95]).astype(int)
    return "\n".join(
        [
            f"rows: {', '.join(counts)}",
            f"labels: {_labels(prepared.train.label_counts)}",
            f"tokens of a row: median {middle}, 95 % have at most {most}, the longest {lengths.max()}; "
            f"{cut:,} rows ({cut / len(lengths):.1%}) are cut at max_length {settings.max_length}",
            f"steps: {rows.steps:,} an epoch, {rows.steps * settings.epochs:,} in all, of "
            f"{settings.batch_size} rows",
            f"device: {devices(strategy)}",
        ]
    )


def _labels(counts: Mapping[str, int]) -> str:
    """Returns each label with its rows, the most frequent first."""
    return join_first([f"{label} {count:,}" for label, count in counts.items()], _MOST_LABELS)

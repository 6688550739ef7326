"""The summary that a fine-tuning prints before its first step."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from kerasbert.engine.strategy import devices
from kerasbert.listing import join_first
from kerasbert.training.prepare import Prepared
from kerasbert.training.training_rows import TrainingRows

_MOST_LABELS = 10


def opening(prepared: Prepared, rows: TrainingRows, strategy: tf.distribute.Strategy) -> str:
    """Summarises the rows, labels, lengths, steps and devices of a training."""
    settings = prepared.config.training
    left_out = len(prepared.train.left_out) + len(prepared.validation.left_out)
    more = {
        "augmented": prepared.augmented,
        "with soft labels": prepared.soft,
        "unlabelled": prepared.unlabelled,
    }
    counts = [f"{len(prepared.train):,} to train on"]
    counts += [f"{len(of):,} {name}" for name, of in more.items() if len(of)]
    counts += [f"{len(prepared.validation):,} to validate on", f"{left_out:,} left out"]
    lengths, longer = rows.lengths, int(np.sum(rows.lengths > settings.max_length))
    fate = "are cut at" if prepared.config.text.windows == 1 else "have several windows of"
    middle, most = np.percentile(lengths, [50, 95]).astype(int)
    return "\n".join(
        [
            f"rows: {', '.join(counts)}",
            f"labels: {_labels(prepared.train.label_counts)}",
            f"tokens of a row: median {middle}, 95 % have at most {most}, the longest {lengths.max()}; "
            f"{longer:,} rows ({longer / len(lengths):.1%}) {fate} max_length {settings.max_length}",
            f"steps: {rows.steps:,} an epoch, {rows.steps * settings.epochs:,} in all, of "
            f"{settings.batch_size} rows",
            f"device: {devices(strategy)}",
        ]
    )


def _labels(counts: Mapping[str, int]) -> str:
    """Returns each label with its rows, the most frequent first."""
    return join_first([f"{label} {count:,}" for label, count in counts.items()], _MOST_LABELS)

"""Turns the training rows into batches."""

from typing import Literal

import numpy as np
import tensorflow as tf

from kerasbert.data import Plan, Rows
from kerasbert.data.batches import Examples, tokenize_rows, training_batches
from kerasbert.data.fixed_shapes import fixed_shapes
from kerasbert.data.row_checks import check_cut
from kerasbert.errors import ConfigError
from kerasbert.language import tr
from kerasbert.models import build_text_graph
from kerasbert.training.prepare import Prepared


class TrainingRows:
    """The rows, tokenised once. Every batch is a function of seed and step.

    Args:
        prepared: the inputs.
        replicas: each gets an equal share of every batch.

    Raises:
        ConfigError: the labels have no such weights, or the batches no such size.
    """

    def __init__(self, prepared: Prepared, replicas: int = 1):
        unlabelled, soft = prepared.unlabelled, prepared.soft
        rows = Rows([*prepared.train.rows, *prepared.augmented.rows, *soft.rows, *unlabelled.rows])
        settings, labels = prepared.config.training, prepared.task.labels
        divisor = replicas * settings.accumulation_steps
        self._own = len(prepared.train)
        self._settings = settings
        targets = prepared.task.targets(rows.labels)
        labelled = len(rows) - len(unlabelled)
        targets[labelled:] = np.nan
        if len(soft):
            targets[labelled - len(soft) : labelled] = soft.targets
        weights = label_weights(rows, labels, settings.class_weights)
        self._graph = build_text_graph(prepared.config, prepared.task, prepared.vocabulary)
        self._examples = Examples(tokenize_rows(rows, self._graph), targets, weights)
        self._plan = Plan(
            self._examples.rows.packed_lengths(self._graph),
            settings.batch_size,
            settings.seed,
            settings.batch_tokens,
            divisor,
            label_weights(rows, labels, "balanced") if settings.sampling == "balanced" else None,
        )

    @property
    def warnings(self) -> list[str]:
        """Warnings about truncated texts."""
        lengths = self.lengths[: self._own]
        return check_cut(tr("training rows"), lengths, self._graph)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each row with special tokens, before truncation: int64 [rows]."""
        return self._examples.rows.full_lengths

    @property
    def steps(self) -> int:
        """Optimizer steps of an epoch."""
        return self._plan.steps

    def batches(self, first_step: int) -> tf.data.Dataset:
        """Returns the batches of all epochs from `first_step` on, as `training_batches` does."""
        settings = self._settings
        plan = np.concatenate([self._plan.epoch(epoch) for epoch in range(settings.epochs)])
        shapes = None
        if settings.jit_compile:  # those of the whole training, so that one resumed has the same
            shapes = fixed_shapes(plan, self._plan.lengths, settings.max_length)[first_step:]
        return training_batches(
            self._examples,
            plan[first_step:],
            self._graph,
            settings.token_dropout,
            settings.seed,
            first_step,
            shapes,
        )


def label_weights(
    rows: Rows, labels: tuple[str, ...], chosen: Literal["balanced"] | dict[str, float] | None
) -> np.ndarray:
    """Returns the weight of each row, the mean of its labels': float32 [rows].

    Args:
        rows: the rows.
        labels: all labels.
        chosen: the weight of each label; `balanced`: in inverse proportion to its rows, of mean one over
            the rows; None: all the same.

    Raises:
        ConfigError: `chosen` does not name each label.
    """
    if chosen is None:
        return np.ones(len(rows), np.float32)
    counts = rows.label_counts
    if chosen == "balanced":
        total = sum(counts.values())
        of_label = {label: total / (len(counts) * n) for label, n in counts.items()}
    else:
        of_label = {str(label): weight for label, weight in chosen.items()}
        if set(of_label) != set(labels):
            raise ConfigError(
                f"training.class_weights: must name each label ({', '.join(labels)}). "
                f"Received: {', '.join(of_label)}"
            )
    means = [np.mean([of_label[label] for label in row]) if row else 1.0 for row in rows.labels]
    return np.array(means, np.float32)

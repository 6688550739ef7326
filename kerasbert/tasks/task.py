"""The contract between the core and a task."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerasbert.config import HeadConfig, Section, parse_config
from kerasbert.data.labels import label_matrix
from kerasbert.tasks.head import dense_head

if TYPE_CHECKING:  # they take seconds to import, and `plugins list` should not wait
    import keras
    import tensorflow as tf


class TaskOptions(Section):
    """A task's own settings, under `task_options` of the configuration. Unknown keys are errors."""


@dataclass(frozen=True)
class SampleData:
    """Small data files, with the columns `text` and `label`, bundled with a task."""

    train: Path
    validation: Path


class Task(abc.ABC):
    """Defines what is predicted, and how.

    A subclass sets `name` and `summary` and implements the abstract methods; everything else has a
    default. `kerasbert plugins check NAME` tests a task against this contract.

    Args:
        labels: the labels in the order of the outputs.
        options: values for `Options`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    fixed_labels: ClassVar[tuple[str, ...]] = ()  # empty: the labels come from the data
    label_separator: ClassVar[str | None] = None  # set if a row may have several labels
    Options: ClassVar[type[TaskOptions]] = TaskOptions
    defaults: ClassVar[Mapping[str, Any]] = {}  # defaults of the configuration, nested
    sample_data: ClassVar[SampleData | None] = None
    sample_texts: ClassVar[tuple[str, ...]] = ()  # texts that the quickstart classifies

    def __init__(self, labels: Sequence[str], options: Mapping[str, Any] | None = None):
        self.labels = tuple(labels)
        self.options: Any = parse_config(self.Options, options or {}, where="task_options")

    # The text

    def clean(self, text: "tf.Tensor") -> "tf.Tensor":
        """Cleans valid UTF-8 strings [batch] before tokenisation, in the graph. Must accept any input."""
        return text

    # The model

    def head(self, encoded: Mapping[str, Any], padding_mask: Any, config: HeadConfig) -> Any:
        """Returns the logits: a float32 Keras tensor [batch, labels].

        Args:
            encoded: the encoder's `pooled_output` [batch, hidden] and, if `needs_sequence` says so, its
                `sequence_output` [batch, length, hidden].
            padding_mask: int32 [batch, length], 1 on real tokens.
            config: pooling and dropout.
        """
        return dense_head(encoded, padding_mask, config, units=len(self.labels))

    def needs_sequence(self, config: HeadConfig) -> bool:
        """Returns whether `head` reads `sequence_output`; without it less is computed.

        The default is right for the default head, and true for any other.
        """
        return type(self).head is not Task.head or config.pooling != "cls"

    # Learning

    def targets(self, rows: Sequence[Sequence[str]]) -> np.ndarray:
        """Returns float32 [rows, labels] with 1 at each row's labels."""
        return label_matrix(rows, self.labels)

    @abc.abstractmethod
    def loss(self, label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> "keras.losses.Loss":
        """Returns the loss of logits [batch, labels] against targets [batch, labels].

        Args:
            label_smoothing: share of the target spread over all labels.
            focal_gamma: exponent of the focal loss (Lin et al. 2017, eq. 4), without its balance; 0:
                the plain loss.
        """

    def calibrate(self, probabilities: np.ndarray, targets: np.ndarray) -> TaskOptions:
        """Returns the options with parameters chosen on the validation rows, such as a threshold.

        Args:
            probabilities: predictions of the trained model, float32 [rows, labels].
            targets: float32 [rows, labels].
        """
        return self.options

    # Deciding

    @abc.abstractmethod
    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """Returns the outputs of the model, computed in the graph from logits float32 [batch, labels].

        At least `label` string [batch], `label_id` int64 [batch], `score` float32 [batch] and
        `probabilities` float32 [batch, labels]. A multi-label task also returns `selected`, int32
        [batch, labels] of zeros and ones. The first dimension of any further output must be the batch.
        """

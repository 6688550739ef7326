"""The interface between the loop and a kind of training: its segments, batches and validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import tensorflow as tf

from kerasbert.engine.best import Best


@dataclass(frozen=True)
class Segment:
    """The steps up to a validation: an epoch, or a part of a phase.

    Attributes:
        number: of the epoch, or of the last step.
        name: such as `epoch 2`.
        first: optimizer steps of the training before it.
        steps: its own.
        examples: that its steps learn from.
        phase: segments of the same phase take their batches from one dataset.
    """

    number: int
    name: str
    first: int
    steps: int
    examples: int
    phase: int = 0

    @property
    def end(self) -> int:
        """Optimizer steps of the training when it is done."""
        return self.first + self.steps


class Recipe(Protocol):
    """A fine-tuning or a pre-training, run by `Loop`."""

    count: str  # what `Segment.number` counts, such as `epoch`
    unit: str  # of the examples, such as `rows`
    segments: Sequence[Segment]

    def is_over(self, segment: Segment, best: Best) -> bool:
        """Whether the training ends early, before `segment`."""

    def begin(self, segment: Segment) -> None:
        """Prepares the trainer for a segment."""

    def batches(self, segment: Segment, step: int) -> tf.data.Dataset:
        """Returns the batches (inputs, targets, weights) of the segment's phase from `step` on.

        They are a function of the step, counted from the start of the training: a resumed training
        gets what an uninterrupted one would.
        """

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns validation metrics."""

    def end(self, segment: Segment, metrics: Mapping[str, float], best: Best) -> dict[str, Any]:
        """Receives the validation metrics of a segment, and returns further values for its record."""

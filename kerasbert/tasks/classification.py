"""Single-label classification of texts or pairs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from kerasbert.config import BY_LABEL
from kerasbert.errors import ConfigError
from kerasbert.listing import join_first
from kerasbert.tasks.task import Task, TaskOptions

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


_Costs = Annotated[dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]], BY_LABEL]


class ClassificationOptions(TaskOptions):
    """Settings of `Classification`."""

    costs: Annotated[dict[str, _Costs], BY_LABEL] = Field(
        {},
        description="What wrong decisions cost, {truth: {decided: cost}}: the label of the lowest expected "
        "cost is decided. What is not named costs 1, a right decision nothing.",
    )


class Classification(Task):
    """Predicts the label with the highest probability. Labels come from the data."""

    name = "classification"
    summary = "one label for each text or pair of texts; labels from the data"
    Options: ClassVar[type[TaskOptions]] = ClassificationOptions

    def __init__(self, labels: Sequence[str], options: Mapping[str, Any] | None = None):
        super().__init__(labels, options)
        self._costs = _cost_matrix(self.labels, getattr(self.options, "costs", {}))

    def loss(self, label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> "keras.losses.Loss":
        """Softmax cross-entropy."""
        import keras

        if focal_gamma:
            return keras.losses.CategoricalFocalCrossentropy(
                alpha=1.0, gamma=focal_gamma, from_logits=True, label_smoothing=label_smoothing
            )
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """The most probable label, or the one of the lowest expected cost (Elkan 2001)."""
        import tensorflow as tf

        probabilities = tf.nn.softmax(logits)
        if self._costs is None:
            return self.outputs(tf.argmax(probabilities, axis=-1), probabilities)
        return self.outputs(tf.argmin(probabilities @ self._costs, axis=-1), probabilities)

    def outputs(self, label_id: "tf.Tensor", probabilities: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """Returns the outputs for the chosen labels, int64 [batch]."""
        import tensorflow as tf

        return {
            "label": tf.gather(tf.constant(self.labels), label_id),
            "label_id": label_id,
            "score": tf.gather(probabilities, label_id, batch_dims=1),
            "probabilities": probabilities,
        }


def _cost_matrix(labels: Sequence[str], costs: Mapping[str, Mapping[str, float]]) -> np.ndarray | None:
    """Returns what it costs to decide a label, float32 [truth, decided]; None if all errors cost the same."""
    if not costs:
        return None
    matrix = 1 - np.eye(len(labels), dtype=np.float32)
    for truth, of_truth in costs.items():
        for decided, cost in of_truth.items():
            if strange := {truth, decided} - set(labels):
                raise ConfigError(
                    f"task_options: costs: must be of labels: {join_first(labels, 10)}. "
                    f"Received: {join_first(sorted(strange), 10)}"
                )
            matrix[labels.index(truth), labels.index(decided)] = cost
    return matrix

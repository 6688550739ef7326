"""Multi-label classification: any number of labels per text."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from kerasbert.config import BY_LABEL
from kerasbert.errors import ConfigError
from kerasbert.listing import join_first
from kerasbert.tasks.task import Task, TaskOptions
from kerasbert.tasks.thresholds import choose_threshold

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class MultiLabelOptions(TaskOptions):
    """Settings of `MultiLabel`."""

    threshold: float = Field(0.5, gt=0, lt=1, description="Minimum probability of a predicted label.")
    precision: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Wanted precision of each label: chooses `thresholds` on the validation rows.",
    )
    thresholds: Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], BY_LABEL] = Field(
        {}, description="Thresholds of single labels, in place of `threshold`."
    )


class MultiLabel(Task):
    """Predicts every label whose probability reaches its threshold.

    The predicted labels are joined by `|`, like those in data files unless `data.label_separator` is set.
    """

    name = "multi_label"
    summary = "any number of labels for each text, joined by |; labels from the data"
    label_separator = "|"
    Options = MultiLabelOptions

    def __init__(self, labels: Sequence[str], options: Mapping[str, Any] | None = None):
        super().__init__(labels, options)
        if strange := sorted(set(self.options.thresholds) - set(labels)):
            raise ConfigError(
                f"task_options: thresholds: must be of labels: {join_first(labels, 10)}. "
                f"Received: {join_first(strange, 10)}"
            )

    def calibrate(self, probabilities: np.ndarray, targets: np.ndarray) -> TaskOptions:
        """Chooses the threshold of each label that occurs in the rows, if a precision is wanted."""
        wanted = self.options.precision
        if wanted is None:
            return self.options
        columns = zip(self.labels, probabilities.T, targets.T, strict=True)
        chosen = {label: choose_threshold(scores, truth, wanted) for label, scores, truth in columns}
        found = {label: threshold for label, threshold in chosen.items() if threshold is not None}
        return self.options.model_copy(update={"thresholds": {**self.options.thresholds, **found}})

    def loss(self, label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> "keras.losses.Loss":
        """Sigmoid cross-entropy, the mean over the labels."""
        import keras

        if focal_gamma:
            return keras.losses.BinaryFocalCrossentropy(
                gamma=focal_gamma, from_logits=True, label_smoothing=label_smoothing
            )
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing)

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """`label` joins the selected labels; `score` and `label_id` are those of the most probable one."""
        import tensorflow as tf

        probabilities = tf.sigmoid(logits)
        options = self.options
        reached = probabilities >= [options.thresholds.get(label, options.threshold) for label in self.labels]
        selected = tf.ensure_shape(tf.cast(reached, tf.int32), [None, len(self.labels)])
        names = tf.ragged.boolean_mask(tf.tile([self.labels], [tf.shape(logits)[0], 1]), reached)
        return {
            "label": tf.strings.reduce_join(names, axis=-1, separator=self.label_separator),
            "label_id": tf.argmax(probabilities, axis=-1),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
            "selected": selected,
            "given": selected,  # deprecated: its former name
        }

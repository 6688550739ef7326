"""Multi-label classification: any number of labels per text."""

from typing import TYPE_CHECKING

from pydantic import Field

from kerasbert.tasks.task import Task, TaskOptions

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class MultiLabelOptions(TaskOptions):
    """Settings of `MultiLabel`."""

    threshold: float = Field(0.5, gt=0, lt=1, description="Minimum probability of a predicted label.")


class MultiLabel(Task):
    """Predicts every label whose probability reaches the threshold.

    The predicted labels are joined by `|`, like those in data files unless `data.label_separator` is set.
    """

    name = "multi_label"
    summary = "any number of labels for each text, joined by |; labels from the data"
    label_separator = "|"
    Options = MultiLabelOptions

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
        reached = probabilities >= self.options.threshold
        selected = tf.ensure_shape(tf.cast(reached, tf.int32), [None, len(self.labels)])
        names = tf.ragged.boolean_mask(tf.tile([self.labels], [tf.shape(logits)[0], 1]), reached)
        return {
            "label": tf.strings.reduce_join(names, axis=-1, separator=self.label_separator),
            "label_id": tf.argmax(probabilities, axis=-1),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
            "selected": selected,
            "given": selected,  # deprecated: its name in 0.1
        }

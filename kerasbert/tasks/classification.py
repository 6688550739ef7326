"""Single-label classification of texts or pairs."""

from typing import TYPE_CHECKING

from kerasbert.tasks.task import Task

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Classification(Task):
    """Predicts the label with the highest probability. Labels come from the data."""

    name = "classification"
    summary = "one label for each text or pair of texts; labels from the data"

    def loss(self, label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> "keras.losses.Loss":
        """Softmax cross-entropy."""
        import keras

        if focal_gamma:
            return keras.losses.CategoricalFocalCrossentropy(
                alpha=1.0, gamma=focal_gamma, from_logits=True, label_smoothing=label_smoothing
            )
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)

    def decide(self, logits: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """The most probable label."""
        import tensorflow as tf

        probabilities = tf.nn.softmax(logits)
        return self.outputs(tf.argmax(probabilities, axis=-1), probabilities)

    def outputs(self, label_id: "tf.Tensor", probabilities: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """Returns the outputs for the chosen labels, int64 [batch]."""
        import tensorflow as tf

        return {
            "label": tf.gather(tf.constant(self.labels), label_id),
            "label_id": label_id,
            "score": tf.gather(probabilities, label_id, batch_dims=1),
            "probabilities": probabilities,
        }

"""What a training minimises."""

from typing import Any

import keras
import tensorflow as tf

from kerasbert.training.trainer import Objective


def classification_objective(model: keras.Model, loss: keras.losses.Loss) -> Objective:
    """Returns the weighted mean loss of the model's logits, with the figure `loss`."""

    def objective(inputs: Any, targets: tf.Tensor, weights: tf.Tensor) -> tuple:
        # Not `loss(...)`, which divides by the number of replicas on its own.
        of_rows = loss.call(targets, model(inputs, training=True))
        mean, rows = tf.reduce_mean(of_rows * weights), tf.cast(tf.size(of_rows), tf.float32)
        return mean, {"loss": tf.stack([mean * rows, rows])}

    return objective

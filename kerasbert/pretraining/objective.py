"""The objective of pre-training: masked LM and next sentence loss (Devlin et al. 2019, A.2)."""

from typing import Any

import keras
import tensorflow as tf

from kerasbert.engine.trainer import Objective
from kerasbert.pretraining.learning import Learning


def pretraining_objective(model: keras.Model, learning: Learning | None = None) -> Objective:
    """Returns the sum of the losses of the model's outputs, or, on texts, what `learning` computes.

    The metrics are `loss` and, for each output, `NAME_loss` and `NAME_accuracy`.
    """

    def objective(
        inputs: Any, targets: dict[str, tf.Tensor], weights: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        if learning and "texts" in targets:
            return learning(inputs, targets, weights)
        loss, metrics = tf.constant(0.0), {}
        for name, logits in model(inputs, training=True).items():
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets[name], logits)
            right = tf.argmax(logits, axis=-1, output_type=targets[name].dtype) == targets[name]
            total = tf.reduce_sum(weights[name])
            for metric, values in (("loss", losses), ("accuracy", tf.cast(right, tf.float32))):
                metrics[f"{name}_{metric}"] = tf.stack([tf.reduce_sum(values * weights[name]), total])
            # The weights of a whole batch have the mean one: see batches.py.
            loss += tf.reduce_mean(losses * weights[name])
        rows = tf.cast(tf.shape(tf.nest.flatten(inputs)[0])[0], tf.float32)
        return loss, {"loss": tf.stack([loss * rows, rows]), **metrics}

    return objective

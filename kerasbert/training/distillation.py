"""Distillation: learning from the outputs and hidden states of a larger model."""

from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import DistillationConfig, TrainingConfig
from kerasbert.models import Classifier
from kerasbert.tasks import Task


class Distillation:
    """An objective: the task's loss, mixed with its loss against the teacher's softened answers.

    (1 - w) L(y, z) + w T^2 L(p(t / T), z / T) for logits z of the student and t of the teacher (Hinton et
    al. 2015, section 2). Rows whose targets are NaN have no label, and only the second part. With a
    hidden weight also the mean squared distance of each of the student's hidden states, projected, from
    the teacher's at the same share of its depth (Jiao et al. 2020, eq. 7 and 8).

    Args:
        model: the student.
        teacher: of the same vocabulary and labels; both made under the strategy.
        task: of both.
        config: how to mix.
        training: of the student.
    """

    def __init__(
        self,
        model: Classifier,
        teacher: Classifier,
        task: Task,
        config: DistillationConfig,
        training: TrainingConfig,
    ):
        self._model, self._teacher, self._task, self._config = model, teacher, task, config
        self._hard, self._soft = task.loss(training.label_smoothing, training.focal_gamma), task.loss()
        self._projection = None
        if config.hidden_weight:
            width = teacher.encoder.hidden_dim
            self._projection = keras.layers.Dense(width, use_bias=False, dtype="float32", name="projection")
            self._projection.build([None, model.encoder.hidden_dim])

    @property
    def variables(self) -> list[keras.Variable]:
        """What is learned besides the student."""
        return [] if self._projection is None else self._projection.trainable_variables

    def __call__(
        self, inputs: Any, targets: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the loss and its metrics, like every objective."""
        config, temperature = self._config, self._config.temperature
        logits, hidden = self._model(inputs, training=True, return_hidden_states=True)
        taught, taught_hidden = self._teacher(inputs, training=False, return_hidden_states=True)
        answers = self._task.decide(tf.stop_gradient(taught) / temperature)["probabilities"]
        labelled = ~tf.math.is_nan(targets)
        hard = self._hard.call(tf.where(labelled, targets, 0.0), logits)
        of_rows = (1.0 - config.weight) * tf.where(labelled[:, 0], hard, 0.0)
        of_rows += config.weight * temperature**2 * self._soft.call(answers, logits / temperature)
        if self._projection is not None:
            rows = tf.where(inputs["padding_mask"] != 0)[:, 0]
            depth = (len(taught_hidden) - 1) / (len(hidden) - 1)
            for layer, states in enumerate(hidden):
                goal = tf.stop_gradient(tf.cast(taught_hidden[round(layer * depth)], tf.float32))
                apart = tf.square(self._projection(tf.cast(states, tf.float32)) - goal)
                of_tokens = tf.reduce_mean(apart, axis=-1)
                of_rows += config.hidden_weight / len(hidden) * tf.math.segment_mean(of_tokens, rows)
        mean, count = tf.reduce_mean(of_rows * weights), tf.cast(tf.size(of_rows), tf.float32)
        return mean, {"loss": tf.stack([mean * count, count])}

"""The learning rate over the steps of a training."""

import math
from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import OptimizationConfig


@keras.saving.register_keras_serializable("kerasbert")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise to `peak`, then a fall to zero over the remaining steps.

    Args:
        peak: highest learning rate.
        warmup_steps: steps of the rise.
        total_steps: steps of the whole training.
        shape: of the fall: `linear`, `cosine` (Loshchilov & Hutter 2017, eq. 5) or `constant`.

    `factor` scales it all; a training that is rolled back lowers it.
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int, shape: str):
        self.peak, self.shape = peak, shape
        self.warmup_steps, self.total_steps = warmup_steps, total_steps
        self.factor = keras.Variable(1.0, trainable=False, name="factor")

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the learning rate of the step, counted from 0."""
        step = tf.cast(step, tf.float32)
        rise = (step + 1.0) / max(self.warmup_steps, 1)
        left = (self.total_steps - step) / max(self.total_steps - self.warmup_steps, 1)
        left = tf.clip_by_value(left, 0.0, 1.0)
        fall = {
            "linear": left,
            "cosine": 0.5 * (1.0 + tf.cos(math.pi * (1.0 - left))),
            "constant": tf.ones_like(left),
        }[self.shape]
        return self.factor * self.peak * tf.where(step < self.warmup_steps, rise, fall)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "shape": self.shape,
        }


def build_schedule(config: OptimizationConfig, total_steps: int) -> WarmupDecay:
    """Returns the schedule that `config` describes, over `total_steps` steps."""
    warmup_steps = round(config.warmup_fraction * total_steps)
    return WarmupDecay(config.learning_rate, warmup_steps, total_steps, config.schedule)

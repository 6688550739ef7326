"""Detects divergence: a loss that is not finite or far too high, or weights that are not finite."""

import math
from collections.abc import Mapping

import keras
import numpy as np

from kerasbert.errors import KerasBertError

_EXPLODED = 10.0  # times the loss of the first step


class DivergedError(KerasBertError):
    """The training diverged: its loss is not finite, or far above the first one."""

    def __init__(self, what: str):
        self.what = what
        super().__init__(
            f"{what}. Lower training.learning_rate, or use training.precision: float32. What was saved "
            "before is kept."
        )


def check_loss(where: str, loss: float, first_loss: float) -> None:
    """Raises `DivergedError` if the loss of a step is not finite, or ten times that of the first step."""
    if not math.isfinite(loss):
        raise DivergedError(f"{where}: the loss is {loss}")
    if loss > _EXPLODED * max(first_loss, 1.0):
        raise DivergedError(f"{where}: the loss rose from {first_loss:.4g} to {loss:.4g}")


def check_validation(where: str, metrics: Mapping[str, float]) -> None:
    """Raises `DivergedError` if a validation metric is not finite."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise DivergedError(f"{where}: val_{name} is {value}")


def check_weights(where: str, model: keras.Model) -> None:
    """Raises `DivergedError` if a weight is not finite, which the loss shows only a step later."""
    if not all(np.isfinite(weight).all() for weight in model.trainable_variables):
        raise DivergedError(f"{where}: a weight is not finite")

"""Calibrates the decision on the validation rows: first the temperature, then what depends on it."""

from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.config import ResolvedConfig
from kerasbert.tasks import Task
from kerasbert.tasks.calibration import several_labels
from kerasbert.tasks.decision import confidence, decide
from kerasbert.tasks.metrics import decisions
from kerasbert.training.rejection import choose_rejection
from kerasbert.training.temperature import fit_temperature, probabilities_of


def calibrate(task: Task, config: ResolvedConfig, logits: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Chooses the temperature, the task's own options and what is rejected; sets them in `task` and `config`.

    Args:
        task: of the model.
        config: of the run.
        logits: of the trained model for the validation rows, float32 [rows, labels].
        targets: their truth, float32 [rows, labels].

    Returns:
        For the metrics: `fitted_temperature` and `cross_validated_nll`, as far as they are known.
    """
    found = _calibrate_temperature(task, config, logits, targets) if config.decision.calibrate else {}
    probabilities = decide(task, config.decision, tf.constant(logits))["probabilities"]
    task.options = task.calibrate(probabilities.numpy(), targets)
    config.task_options = task.options.model_dump()
    if config.decision.accepted_accuracy is not None:
        _choose_rejection(task, config, logits, targets, config.decision.accepted_accuracy)
    return found


def _choose_rejection(
    task: Task, config: ResolvedConfig, logits: np.ndarray, targets: np.ndarray, wanted: float
) -> None:
    config.decision.reject_below = None
    answers = decide(task, config.decision, tf.constant(logits))
    outputs = {name: value.numpy() for name, value in answers.items()}
    right = np.all(decisions(outputs, len(task.labels)) == targets, axis=1)
    chosen = choose_rejection(confidence(outputs).numpy(), right, wanted)
    config.decision.reject_below = chosen.threshold
    found = (
        f"answers from {chosen.threshold:.4f} on are accepted: {chosen.coverage:.1%} of the validation rows, "
        f"{chosen.accuracy:.2%} of these right"
    )
    if chosen.bound >= wanted:
        progress.note(f"{found}; at least {wanted:.2%} with 95 % certainty")
    else:
        progress.note(
            f"warning: decision.accepted_accuracy: no threshold is sure to reach {wanted:.2%} on "
            f"{len(logits):,} validation rows; {found}, at least {chosen.bound:.2%} with 95 % certainty"
        )


def _calibrate_temperature(
    task: Task, config: ResolvedConfig, logits: np.ndarray, targets: np.ndarray
) -> dict[str, float]:
    config.decision.temperature = 1.0
    outputs = {name: value.numpy() for name, value in task.decide(tf.constant(logits)).items()}
    several = several_labels(outputs)
    if not np.allclose(outputs["probabilities"], probabilities_of(logits, several), atol=1e-4):
        progress.note("temperature: 1, since the task makes its probabilities in a way of its own")
        return {}
    fit = fit_temperature(logits, targets, several)
    if fit is None:
        progress.note(f"temperature: 1; {len(logits)} validation rows are too few to fit it")
        return {}
    config.decision.temperature = fit.temperature
    losses = f"{fit.loss:.4f}, cross-validated {fit.cross_validated:.4f}"
    if fit.temperature == 1:
        progress.note(f"temperature: 1; {fit.best:.2f} would not lower the validation loss ({losses})")
    else:
        progress.note(f"temperature: {fit.temperature:.2f} lowers the validation loss (from {losses})")
    return {"fitted_temperature": fit.best, "cross_validated_nll": fit.cross_validated}

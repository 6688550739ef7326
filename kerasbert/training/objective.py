"""The objectives of fine-tuning."""

from typing import Any

import keras
import tensorflow as tf

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config, TrainingConfig
from kerasbert.engine.trainer import Objective
from kerasbert.tasks import Task
from kerasbert.training.distillation import Distillation


def build_objective(model: keras.Model, task: Task, config: Config) -> Objective:
    """Returns the objective that `config` describes; call it under the strategy."""
    training, distillation = config.training, config.distillation
    if distillation.teacher:
        teacher = RunDirectory(distillation.teacher).load().model
        return Distillation(model, teacher, task, distillation, training)
    objective = classification_objective(model, task, training)
    if training.adversarial_norm:
        objective = adversarial_objective(model, objective, training.adversarial_norm)
    return objective


def classification_objective(model: keras.Model, task: Task, config: TrainingConfig) -> Objective:
    """Returns the weighted mean of the task's loss, with the figure `loss`.

    With `r_drop` each row is computed twice, with other dropout, and the divergence of the two
    predictions is added (Liang et al. 2021, eq. 4: half the sum of both directions, times the weight).
    """
    loss = task.loss(config.label_smoothing, config.focal_gamma)

    def objective(
        inputs: Any, targets: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        # Not `loss(...)`, which divides by the number of replicas on its own.
        if config.r_drop:
            twice = tf.nest.map_structure(lambda part: tf.concat([part, part], axis=0), inputs)
            first, second = tf.split(model(twice, training=True), 2)
            of_rows = loss.call(targets, first) + loss.call(targets, second)
            of_rows += config.r_drop * 0.5 * divergence(task, first, second)
        else:
            of_rows = loss.call(targets, model(inputs, training=True))
        mean, rows = tf.reduce_mean(of_rows * weights), tf.cast(tf.size(of_rows), tf.float32)
        return mean, {"loss": tf.stack([mean * rows, rows])}

    return objective


def divergence(task: Task, logits: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Returns KL(p||q) + KL(q||p) of two predictions, float32 [batch]; the sum over independent labels.

    Both for softmax and for sigmoid it is the sum of (p - q) times the difference of the logits: the
    normalisers cancel.
    """
    p, q = (task.decide(one)["probabilities"] for one in (logits, others))
    return tf.reduce_sum((p - q) * (logits - others), axis=-1)


def adversarial_objective(model: keras.Model, objective: Objective, norm: float) -> Objective:
    """Returns `objective` plus itself where the embeddings are moved to the worse.

    The Fast Gradient Method (Miyato et al. 2017, eq. 3 and 4): the normalised embeddings of each row are
    moved by `norm` along the gradient of the loss, over all its tokens. Figures are those of the first pass.
    """
    encoder = model.get_layer("backbone")

    def adversarial(inputs: Any, targets: Any, weights: Any) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        seen: dict[str, tf.Tensor] = {}
        with tf.GradientTape() as tape:

            def watch(hidden: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
                if not seen:
                    tape.watch(hidden)
                    seen.update(hidden=hidden, rows=rows)
                return hidden

            with encoder.tapped(watch):
                loss, figures = objective(inputs, targets, weights)
        shift = _along(tape.gradient(loss, seen["hidden"]), seen["rows"], norm)
        shifts = iter([tf.cast(shift, seen["hidden"].dtype)])

        def move(hidden: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
            return hidden + next(shifts, 0.0)

        with encoder.tapped(move):
            worse, _ = objective(inputs, targets, weights)
        return loss + worse, figures

    return adversarial


def _along(gradient: tf.Tensor, rows: tf.Tensor, norm: float) -> tf.Tensor:
    """Returns `gradient` [tokens, hidden] with the tokens of each row scaled to `norm` together."""
    gradient = tf.stop_gradient(tf.cast(gradient, tf.float32))
    squares = tf.math.segment_sum(tf.reduce_sum(tf.square(gradient), axis=-1), rows)
    # A row without weight has no gradient, and stays where it is.
    scale = norm * tf.math.rsqrt(tf.maximum(squares, 1e-30))
    return gradient * tf.gather(scale, rows)[:, None]

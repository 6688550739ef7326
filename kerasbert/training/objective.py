"""The objectives of fine-tuning."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config, TrainingConfig
from kerasbert.engine.trainer import Objective
from kerasbert.models import Classifier
from kerasbert.models.encoder import Encoder
from kerasbert.tasks import Task
from kerasbert.training.distillation import Distillation


def build_objective(model: Classifier, task: Task, config: Config) -> Objective:
    """Returns the objective that `config` describes; call it under the strategy."""
    if config.distillation.teacher:
        teacher = RunDirectory(config.distillation.teacher).load().model
        return Distillation(model, teacher, task, config.distillation, config.training)
    return classification_objective(model, task, config.training)


def classification_objective(model: Classifier, task: Task, config: TrainingConfig) -> Objective:
    """Returns the weighted mean of the task's loss, with the metric `loss`.

    With `r_drop` each row is computed twice, with other dropout, and the divergence of the two
    predictions is added (Liang et al. 2021, eq. 4: half the sum of both directions, times the weight).

    With `adversarial_norm` the loss where embeddings are moved is added; see `adversarial_losses`.
    """
    loss = task.loss(config.label_smoothing, config.focal_gamma)

    def objective(
        inputs: Any, targets: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        if config.r_drop:
            inputs = tf.nest.map_structure(lambda part: tf.concat([part, part], axis=0), inputs)

        def loss_at(embeddings: tf.Tensor | None = None) -> tf.Tensor:
            logits = model(inputs, training=True, embeddings=embeddings)
            # Not `loss(...)`, which divides by the number of replicas on its own.
            if config.r_drop:
                first, second = tf.split(logits, 2)
                of_rows = loss.call(targets, first) + loss.call(targets, second)
                of_rows += config.r_drop * 0.5 * divergence(task, first, second)
            else:
                of_rows = loss.call(targets, logits)
            return tf.reduce_mean(of_rows * weights)

        if config.adversarial_norm:
            mean, adversarial = adversarial_losses(model.encoder, inputs, loss_at, config.adversarial_norm)
        else:
            mean, adversarial = loss_at(), 0.0
        rows = tf.cast(tf.size(weights), tf.float32)
        return mean + adversarial, {"loss": tf.stack([mean * rows, rows])}

    return objective


def divergence(task: Task, logits: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Returns KL(p||q) + KL(q||p) of two predictions, float32 [batch]; the sum over independent labels.

    Both for softmax and for sigmoid it is the sum of (p - q) times the difference of the logits: the
    normalisers cancel.
    """
    p, q = (task.decide(one)["probabilities"] for one in (logits, others))
    return tf.reduce_sum((p - q) * (logits - others), axis=-1)


def adversarial_losses(
    encoder: Encoder,
    inputs: Mapping[str, tf.Tensor],
    loss_at: Callable[[tf.Tensor], tf.Tensor],
    norm: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the loss of `inputs`, and the loss where their embeddings are moved along its gradient.

    The Fast Gradient Method (Miyato et al. 2017, eq. 3 and 4): the normalised embeddings of a row, over all
    its tokens, are moved by an L2 norm of `norm`.

    Args:
        encoder: whose embeddings are moved.
        inputs: of the encoder.
        loss_at: from embeddings [tokens, hidden] to the loss.
        norm: of the perturbation.
    """
    embeddings = encoder.embed(inputs, training=True)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(embeddings)
        loss = loss_at(embeddings)
    rows = tf.where(inputs["padding_mask"] != 0)[:, 0]
    shift = _along(tape.gradient(loss, embeddings), rows, norm)
    return loss, loss_at(encoder.embed(inputs, training=True) + tf.cast(shift, embeddings.dtype))


def _along(gradient: tf.Tensor, rows: tf.Tensor, norm: float) -> tf.Tensor:
    """Returns `gradient` [tokens, hidden] with the tokens of each row scaled to `norm` together."""
    gradient = tf.stop_gradient(tf.cast(gradient, tf.float32))
    squares = tf.math.segment_sum(tf.reduce_sum(tf.square(gradient), axis=-1), rows)
    # A row without weight has no gradient, and stays where it is.
    scale = norm * tf.math.rsqrt(tf.maximum(squares, 1e-30))
    return gradient * tf.gather(scale, rows)[:, None]

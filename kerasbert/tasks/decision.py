"""From logits to answers: the temperature, the task's decision, and whether the answer is accepted."""

import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kerasbert.config import DecisionConfig
from kerasbert.tasks.task import Task

if TYPE_CHECKING:
    import tensorflow as tf


def decide(
    task: Task, config: DecisionConfig, logits: "tf.Tensor", distance: "tf.Tensor | None" = None
) -> "dict[str, tf.Tensor]":
    """Returns the outputs of the model, in the graph: those of `Task.decide`, `accepted` and `distance`.

    `accepted`, bool [batch], is there only if answers are rejected: those of low confidence (Chow 1970), or
    to texts that are farther than 1 from those of the training.

    Args:
        task: what decides.
        config: the temperature, and from which confidence on answers are accepted.
        logits: of the head, float32 [batch, labels].
        distance: of an `OutlierDetector`, float32 [batch]; an output if it is there.
    """
    outputs = task.decide(at_temperature(logits, config))
    accepted = []
    if config.reject_below is not None:
        accepted.append(confidence(outputs) >= config.reject_below)
    if distance is not None:
        outputs = {**outputs, "distance": distance}
        accepted.append(distance <= 1)
    return {**outputs, "accepted": functools.reduce(operator.and_, accepted)} if accepted else outputs


def at_temperature(logits: "tf.Tensor", config: DecisionConfig) -> "tf.Tensor":
    """Returns logits divided by the temperature (Guo et al. 2017, https://arxiv.org/abs/1706.04599)."""
    # A temperature of 1 leaves the graph as it is.
    return logits if config.temperature == 1 else logits / config.temperature


def selected_labels(outputs: Mapping[str, Any]) -> Any:
    """Returns `selected`, [batch, labels] of zeros and ones, or None if a row has one label."""
    # Formerly `given`: earlier exports have only that, and a task written then may override only that.
    return outputs.get("given", outputs.get("selected"))


def confidence(outputs: Mapping[str, Any]) -> "tf.Tensor":
    """Returns the probability that an answer is right, float32 [batch]: `score`.

    With several labels a row it is the probability that all of them are right and none is missing, as if
    they were independent.
    """
    import tensorflow as tf

    selected = selected_labels(outputs)
    if selected is None:
        return tf.convert_to_tensor(outputs["score"])
    probabilities = tf.convert_to_tensor(outputs["probabilities"])
    return tf.reduce_prod(tf.where(selected > 0, probabilities, 1 - probabilities), axis=1)

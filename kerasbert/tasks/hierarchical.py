"""Single-label classification in a hierarchy of labels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from kerasbert.tasks.classification import Classification, ClassificationOptions
from kerasbert.tasks.hierarchy import Hierarchy
from kerasbert.tasks.task import TaskOptions

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class HierarchicalOptions(ClassificationOptions):
    """Settings of `Hierarchical`."""

    ancestor_weight: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="Weight of each ancestor of a label in the loss; the label itself has 1.",
    )


class Hierarchical(Classification):
    """Predicts a label that is a path, such as `体育/足球`, and with it all that is above.

    The probability of an ancestor is the sum of those of the labels below it, in the loss and in the answer,
    so levels never contradict each other.
    """

    name = "hierarchical"
    summary = "one label of a hierarchy, written as a path (sport/football); labels from the data"
    Options: ClassVar[type[TaskOptions]] = HierarchicalOptions

    def __init__(self, labels: Sequence[str], options: Mapping[str, Any] | None = None):
        super().__init__(labels, options)
        self.hierarchy = Hierarchy(self.labels)

    def loss(self, label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> "keras.losses.Loss":
        """The cross-entropy of the label and, weighted, of each of its ancestors."""
        from kerasbert.tasks.hierarchical_loss import HierarchicalCrossentropy

        weight = self.options.ancestor_weight
        return HierarchicalCrossentropy(self.hierarchy.below, weight, label_smoothing, focal_gamma)

    def outputs(self, label_id: "tf.Tensor", probabilities: "tf.Tensor") -> "dict[str, tf.Tensor]":
        """Returns the outputs for the chosen labels, int64 [batch].

        Besides those of every task, `levels`, string [batch, depth], the chosen label's ancestors from the
        top and itself, and `level_scores`, float32 [batch, depth], their probabilities.
        """
        import tensorflow as tf

        hierarchy = self.hierarchy
        nodes = [*self.labels, *hierarchy.ancestors]
        place = {node: number for number, node in enumerate(nodes)}
        levels = [hierarchy.level(number) for number in range(hierarchy.depth)]
        paths = np.array([[place[node] for node in path] for path in zip(*levels, strict=True)], np.int32)
        sums = tf.matmul(probabilities, tf.constant(hierarchy.below.T, probabilities.dtype))
        # Rounding must not make them more than 1.
        of_nodes = tf.concat([probabilities, tf.minimum(sums, 1.0)], axis=1)
        path = tf.gather(tf.constant(paths), label_id)
        return {
            **super().outputs(label_id, probabilities),
            "levels": tf.gather(tf.constant(nodes), path),
            "level_scores": tf.gather(of_nodes, path, batch_dims=1),
        }

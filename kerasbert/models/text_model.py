"""From strings or token ids to decisions, whatever computes the logits."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kerasbert.config import DecisionConfig
from kerasbert.models.outliers import OutlierDetector, mean_embeddings
from kerasbert.models.text_vectors import text_vectors
from kerasbert.tasks import Task
from kerasbert.tasks.decision import decide
from kerasbert.text import Sanitizer, TextGraph


class TextModel(tf.Module):
    """Text graph, encoder, head and decision in one graph; a subclass computes the encoder and the head.

    Args:
        name: of the module.
        text_graph: from strings to token ids.
        sanitize: what any token ids pass first.
        task: with labels and options.
        takes_pairs: whether a row is two texts.
        outliers: what rejects texts unlike those of the training, or None.
    """

    def __init__(
        self,
        name: str,
        text_graph: TextGraph,
        sanitize: Sanitizer,
        task: Task,
        takes_pairs: bool,
        outliers: OutlierDetector | None,
    ):
        super().__init__(name=name)
        self.text_graph, self.sanitize, self.task = text_graph, sanitize, task
        self.takes_pairs, self.outliers = takes_pairs, outliers

    @property
    def decision(self) -> DecisionConfig:
        """The temperature, and what is rejected."""
        raise NotImplementedError

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of `probabilities`."""
        return self.task.labels

    def __call__(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the task's outputs for strings [batch]; see `Task.decide`."""
        return self._answer(self.text_graph(text, pair))

    def decide(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the task's outputs for any token ids, int32 [batch, length]; see `Sanitizer`."""
        return self._answer(self.sanitize(inputs))

    def _answer(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        distance = None
        if self.outliers is not None:
            distance = self.outliers(*mean_embeddings(self.embed(inputs), inputs))
        return decide(self.task, self.decision, self.logits(inputs), distance)

    def vectors(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the mean vector of each text, float32 [batch, hidden]; see `text_vectors`."""
        return text_vectors(self.text_graph, self.encode, text, pair)

    def encode(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, Any]:
        """Returns `pooled_output` [batch, hidden] and `sequence_output` [batch, length, hidden] by name.

        Args:
            inputs: token ids as `TextGraph` gives them.
        """
        raise NotImplementedError

    def embed(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the embeddings of the real tokens, float32 [tokens, hidden], row by row.

        Args:
            inputs: token ids as `TextGraph` gives them.
        """
        raise NotImplementedError

    def logits(self, inputs: Mapping[str, tf.Tensor], embeddings: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the head's logits, float32 [batch, labels].

        Args:
            inputs: token ids as `TextGraph` gives them.
            embeddings: instead of what `embed` returns for them; with them the logits have gradients.
        """
        raise NotImplementedError

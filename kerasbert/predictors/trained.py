"""A trained run in this process, with its Keras model."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasbert.explanation import explain
from kerasbert.inference import PackedEncoder
from kerasbert.models import TextClassifier
from kerasbert.predictors.model import Model
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.texts import Batch, Texts, read_texts
from kerasbert.predictors.vector_graph import VectorGraph
from kerasbert.text import string_tensor


class TrainedModel(Model):
    """A run directory in this process. Only this has the Keras model.

    Args:
        classifier: with the trained weights.
        source: the path of the run.
        precision: of the products of `embed`, `float32` or `bfloat16`, which copies the weights at first use.
        eager: predict and explain without tracing a graph: the first answer comes early, others slower.
    """

    def __init__(
        self, classifier: TextClassifier, source: str, *, precision: str = "float32", eager: bool = False
    ):
        self.classifier, self.config = classifier, classifier.config
        super().__init__(source, classifier.labels, self.config.data)
        self.temperature = self.config.decision.temperature
        self.text_graph = classifier.text_graph
        self._precision, self._eager = precision, eager

    @property
    def label_separator(self) -> str | None:
        """The separator of labels in data files, if a row may have several."""
        return self.classifier.task.label_separator

    @property
    def keras_model(self) -> keras.Model:
        """The Keras model, from what `keras_inputs` returns to logits, float32 [n, labels].

        Its weights are those that `predict` uses: training it further changes the answers.

        Examples:
            >>> logits = model.keras_model.predict(model.keras_inputs(["手机很好"]), verbose=0)
            >>> logits.shape
            (1, 2)
        """
        return self.classifier.model

    def keras_inputs(self, texts: Texts, pairs: Texts | None = None) -> dict[str, np.ndarray]:
        """Returns texts as the Keras model takes them.

        Args:
            texts: one text, or any number of them.
            pairs: the second texts, for a model of pairs.

        Returns:
            `token_ids`, `segment_ids` and `padding_mask` (1 on real tokens), each int32 [n, length],
            padded to the longest text and on to a multiple of 8.

        Examples:
            >>> inputs = model.keras_inputs(["手机很好", "好"])
            >>> sorted(inputs), inputs["padding_mask"].sum(axis=1).tolist()
            (['padding_mask', 'segment_ids', 'token_ids'], [6, 3])
        """
        rows, _ = read_texts(self, texts, pairs)
        second = [row.pair for row in rows] if self.takes_pairs else None
        columns = _columns([row.text for row in rows], second)
        return {name: value.numpy() for name, value in self.classifier.text_graph(*columns).items()}

    def predict_batch(self, texts: Batch, pairs: Batch | None = None) -> Arrays:
        """Returns the task's outputs for one batch."""
        if self._eager:
            return _run(self.classifier, texts, pairs)
        return self.classifier.predict(texts, pairs)

    def explain_batch(self, texts: Batch, pairs: Batch | None = None, label: str | None = None) -> Arrays:
        """Returns the arrays of `kerasbert.explanation.explain` for one batch."""
        return _run(self._explanation, [label or ""] * len(texts), texts, pairs)

    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns `vector`, float32 [batch, hidden]."""
        return self._vectors(texts, pairs, pooling)

    @cached_property
    def _explanation(self) -> Any:
        def graph(label: tf.Tensor, text: tf.Tensor, pair: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            return explain(self.classifier, text, pair, label)

        if self._eager:
            return graph
        strings = tf.TensorSpec([None], tf.string)
        return tf.function(graph, input_signature=[strings] * (2 + self.takes_pairs))

    @cached_property
    def _vectors(self) -> VectorGraph:
        encoder: Any = self.classifier.model.encoder
        if self._precision == "float32":  # the weights may be trained on
            encode = partial(encoder, training=False)
        else:
            packed = PackedEncoder(encoder, tf.as_dtype(self._precision), int8=False)
            encode = partial(packed, return_sequence=True)
        return VectorGraph(self.classifier.text_graph, encode, self.takes_pairs)


def _run(graph: Any, *columns: Sequence[Any] | None) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in graph(*_columns(*columns)).items()}


def _columns(*columns: Sequence[Any] | None) -> list[tf.Tensor]:
    return [string_tensor(column) for column in columns if column is not None]

"""The whole of a trained model: strings in, decisions out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.config import Config, DecisionConfig, ResolvedConfig
from kerasbert.models.backbone import build_backbone
from kerasbert.models.classifier import build_model
from kerasbert.models.outliers import OutlierDetector, mean_embeddings
from kerasbert.models.text_model import TextModel
from kerasbert.tasks import Task
from kerasbert.tasks.decision import decide
from kerasbert.text import Sanitizer, TextGraph, Vocabulary, string_tensor


def build_text_graph(config: Config, task: Task, vocabulary: Vocabulary) -> TextGraph:
    """Returns the text graph that `config` and `task` describe."""
    return TextGraph(
        vocabulary,
        max_length=config.training.max_length,
        truncation=config.text.truncation,
        windows=config.text.windows,
        clean=task.clean,
        **config.text.tokenization,
    )


class TextClassifier(TextModel):
    """Text graph, model and decision in one graph.

    Evaluation, prediction and export all run this. Building it gives random weights.

    Args:
        config: of the run.
        task: with labels and options.
        vocabulary: of the text graph and the encoder.
    """

    def __init__(self, config: ResolvedConfig, task: Task, vocabulary: Vocabulary):
        text_graph = build_text_graph(config, task, vocabulary)
        encoder = build_backbone(config.backbone, len(vocabulary), window_length=config.window_length)
        takes_pairs = config.data.pair_column is not None
        sanitize = Sanitizer(text_graph, takes_pairs, encoder.max_sequence_length, encoder.num_segments)
        outliers = None
        if config.decision.reject_outliers is not None:
            outliers = OutlierDetector(encoder.hidden_dim)
        super().__init__("text_classifier", text_graph, sanitize, task, takes_pairs, outliers)
        self.config = config
        self.model = build_model(encoder, task, config.head)
        strings = tf.TensorSpec([None], tf.string)
        signature = [strings, strings] if self.takes_pairs else [strings]
        self._logits = tf.function(self._logits_of_strings, input_signature=signature)
        self._means = tf.function(self._means_of_strings, input_signature=signature)
        decided = [tf.TensorSpec([None, len(task.labels)])]
        if self.outliers is not None:
            decided.append(tf.TensorSpec([None]))
        self._decide = tf.function(self._decide_logits, input_signature=decided)

    @property
    def decision(self) -> DecisionConfig:
        """The temperature, and what is rejected."""
        return self.config.decision

    def _decide_logits(self, logits: tf.Tensor, distance: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        return decide(self.task, self.decision, logits, distance)

    def _logits_of_strings(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> tf.Tensor:
        return self.logits(self.text_graph(text, pair))

    def _means_of_strings(
        self, text: tf.Tensor, pair: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        inputs = self.text_graph(text, pair)
        return mean_embeddings(self.embed(inputs), inputs)

    def encode(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, Any]:
        """See `TextModel.encode`."""
        encoder: Any = self.model.encoder
        return encoder(inputs, training=False)

    def embed(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """See `TextModel.embed`."""
        return self.model.encoder.embed(inputs)

    def logits(self, inputs: Mapping[str, tf.Tensor], embeddings: tf.Tensor | None = None) -> tf.Tensor:
        """See `TextModel.logits`."""
        return self.model(inputs, training=False, embeddings=embeddings)

    def predict(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the task's outputs for one batch of texts as arrays."""
        distance = None
        if self.outliers is not None:
            distance = self.outliers(*self.mean_embeddings(texts, pairs)).numpy()
        return self.decide_logits(self.predict_logits(texts, pairs), distance)

    def predict_logits(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> np.ndarray:
        """Returns the logits, float32 [batch, labels], for one batch of texts."""
        columns = [texts] if pairs is None else [texts, pairs]
        return self._logits(*map(string_tensor, columns)).numpy()

    def mean_embeddings(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns what `outliers` looks at, for one batch of texts; see `mean_embeddings`."""
        columns = [texts] if pairs is None else [texts, pairs]
        means, tokens = self._means(*map(string_tensor, columns))
        return means.numpy(), tokens.numpy()

    def decide_logits(self, logits: np.ndarray, distance: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Returns the task's outputs as arrays.

        The task's options and the temperature are those of the first call.

        Args:
            logits: float32 [batch, labels].
            distance: of `outliers`, float32 [batch]; needed where these are rejected.
        """
        given = (logits,) if distance is None else (logits, distance)
        return {name: value.numpy() for name, value in self._decide(*given).items()}

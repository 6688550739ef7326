"""The whole of a classifier, as a server runs it."""

from collections.abc import Mapping
from functools import partial

import tensorflow as tf

from kerasbert.export.calibration import calibration_rows
from kerasbert.inference import PackedEncoder
from kerasbert.models import TextClassifier, mean_embeddings, text_vectors
from kerasbert.tasks.decision import decide


class InferenceClassifier(tf.Module):
    """Text graph, packed encoder, head and decision: strings in, what the trainer answers out.

    Holds every weight once, as a plain variable. A module that holds a Keras model, or Keras variables,
    reloads in Python and fails in the native loader (https://github.com/keras-team/keras/issues/20095).

    Args:
        classifier: the trained one; the weights of its encoder are copied.
        precision: `float32` or `bfloat16`, of the encoder.
        quantize: `int8` for the encoder's dense layers, or None.
    """

    def __init__(self, classifier: TextClassifier, precision: str = "float32", quantize: str | None = None):
        super().__init__(name="kerasbert")
        self.text_graph = classifier.text_graph
        self.task, self.decision, self._outliers = classifier.task, classifier.decision, classifier.outliers
        self.labels, self.takes_pairs = classifier.labels, classifier.takes_pairs
        self._sanitize = classifier.sanitize
        encoder, head = classifier.model.encoder, classifier.model.head
        self._encoder = PackedEncoder(encoder, tf.as_dtype(precision), quantize == "int8")
        if quantize:
            self._encoder.calibrate(calibration_rows(classifier))
        # As a function: tf.Module would look into a model.
        self._head, self._head_variables = partial(head, training=False), [w.value for w in head.weights]
        self._needs_sequence = "sequence_output" in head.input

    def __call__(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the task's outputs for strings [batch]; see `Task.decide`."""
        return self._answer_to(self.text_graph(text, pair))

    def _answer_to(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outliers = self._outliers
        distance = None if outliers is None else outliers(*mean_embeddings(self.embed(inputs), inputs))
        return decide(self.task, self.decision, self.logits(inputs), distance)

    def vectors(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the mean vector of each text, float32 [batch, hidden]; see `text_vectors`."""
        return text_vectors(self.text_graph, partial(self._encoder, return_sequence=True), text, pair)

    def decide(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the task's outputs for any token ids, int32 [batch, length]; see `Sanitizer`."""
        return self._answer_to(self._sanitize(inputs))

    def embed(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the embeddings of the real tokens, float32 [tokens, hidden]; see `PackedEncoder.embed`."""
        return self._encoder.embed(inputs)

    def logits(self, inputs: Mapping[str, tf.Tensor], embeddings: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the head's logits, float32 [batch, labels].

        Args:
            inputs: token ids as `TextGraph` gives them.
            embeddings: see `PackedEncoder.__call__`.
        """
        encoded = self._encoder(inputs, self._needs_sequence, embeddings)
        return self._head({**encoded, "padding_mask": inputs["padding_mask"]})

"""The whole of a classifier, as a server runs it."""

from collections.abc import Mapping
from functools import partial

import tensorflow as tf

from kerasbert.config import DecisionConfig
from kerasbert.inference.calibration import calibration_rows
from kerasbert.inference.packed_encoder import PackedEncoder
from kerasbert.models import TextClassifier, TextModel


class InferenceClassifier(TextModel):
    """Text graph, packed encoder, head and decision: strings in, what the trainer answers out.

    Holds every weight once, as a plain variable. A module that holds a Keras model, or Keras variables,
    reloads in Python and fails in the native loader (https://github.com/keras-team/keras/issues/20095).

    Args:
        classifier: the trained one; the weights of its encoder are copied.
        precision: `float32` or `bfloat16`, of the encoder.
        quantize: `int8` for the encoder's dense layers, or None.
    """

    def __init__(self, classifier: TextClassifier, precision: str = "float32", quantize: str | None = None):
        parts = (classifier.text_graph, classifier.sanitize, classifier.task, classifier.takes_pairs)
        super().__init__("kerasbert", *parts, classifier.outliers)
        self._decision = classifier.decision
        encoder, head = classifier.model.encoder, classifier.model.head
        self._encoder = PackedEncoder(encoder, tf.as_dtype(precision), quantize == "int8")
        if quantize:
            self._encoder.calibrate(calibration_rows(classifier))
        # As a function: tf.Module would look into a model.
        self._head, self._head_variables = partial(head, training=False), [w.value for w in head.weights]
        self._needs_sequence = "sequence_output" in head.input

    @property
    def decision(self) -> DecisionConfig:
        """The temperature, and what is rejected."""
        return self._decision

    def encode(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """See `TextModel.encode`."""
        return self._encoder(inputs, return_sequence=True)

    def embed(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """See `TextModel.embed`."""
        return self._encoder.embed(inputs)

    def logits(self, inputs: Mapping[str, tf.Tensor], embeddings: tf.Tensor | None = None) -> tf.Tensor:
        """See `TextModel.logits`."""
        encoded = self._encoder(inputs, self._needs_sequence, embeddings)
        return self._head({**encoded, "padding_mask": inputs["padding_mask"]})

"""The whole of a classifier, as a server runs it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from kerasbert.export.calibration import calibration_rows
from kerasbert.export.packed_encoder import PackedEncoder
from kerasbert.models import TextClassifier
from kerasbert.models.classifier import apply_head
from kerasbert.models.encoder import Tap


class InferenceClassifier(tf.Module):
    """Text graph, packed encoder, head and decision: strings in, what the trainer answers out.

    Holds every weight once, as a plain variable. A module that holds a Keras model, or Keras variables,
    reloads in Python and fails in the native loader (https://github.com/keras-team/keras/issues/20095).

    Args:
        classifier: the trained one; its weights are copied.
        precision: `float32` or `bfloat16`, of the encoder.
        quantize: `int8` for the encoder's dense layers, or None.
    """

    def __init__(self, classifier: TextClassifier, precision: str = "float32", quantize: str | None = None):
        super().__init__(name="kerasbert")
        self.text_graph, self.task = classifier.text_graph, classifier.task
        self.labels, self.takes_pairs = classifier.labels, classifier.takes_pairs
        self._sanitize = classifier.sanitize
        backbone = classifier.model.get_layer("backbone")
        self._encoder = PackedEncoder(backbone, tf.as_dtype(precision), quantize == "int8")
        if quantize:
            self._encoder.calibrate(calibration_rows(classifier))
        self._head, self._takes_sequence, self._head_variables = _head(classifier)

    def __call__(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the task's outputs for strings [batch]; see `Task.decide`."""
        return self.task.decide(self.logits(self.text_graph(text, pair)))

    def decide(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the task's outputs for any token ids, int32 [batch, length]; see `Sanitizer`."""
        return self.task.decide(self.logits(self._sanitize(inputs)))

    def logits(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the head's logits, float32 [batch, labels], for token ids as `TextGraph` gives them."""
        encoded = self._encoder(inputs, whole=self._takes_sequence)
        return self._head({**encoded, "padding_mask": inputs["padding_mask"]})

    def tapped(self, tap: Tap) -> AbstractContextManager[None]:
        """See `PackedEncoder.tapped`."""
        return self._encoder.tapped(tap)

    def in_float32(self) -> AbstractContextManager[None]:
        """See `PackedEncoder.in_float32`."""
        return self._encoder.in_float32()


def _head(
    classifier: TextClassifier,
) -> tuple[Callable[[Mapping[str, tf.Tensor]], tf.Tensor], bool, Sequence[Any]]:
    """Returns the task's head alone, whether it takes `sequence_output`, and its variables."""
    backbone = classifier.model.get_layer("backbone")
    width = backbone.hidden_dim
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    pooled = {"pooled_output": keras.Input((width,), name="pooled_output")}
    whole = {**pooled, "sequence_output": keras.Input((None, width), name="sequence_output")}
    config = classifier.config.head
    logits, takes_sequence = apply_head(classifier.task, config, mask, lambda more: whole if more else pooled)
    head = keras.Model({**(whole if takes_sequence else pooled), "padding_mask": mask}, logits)
    of_backbone = {id(weight) for weight in backbone.weights}
    trained = [weight for weight in classifier.model.weights if id(weight) not in of_backbone]
    head.set_weights([weight.numpy() for weight in trained])
    # As a function: tf.Module would look into a model.
    return partial(head, training=False), takes_sequence, [weight.value for weight in head.weights]

"""The model: the encoder under a task's head."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import HeadConfig
from kerasbert.models.encoder import Encoder
from kerasbert.tasks import Task


class Classifier(keras.Model):
    """From the text graph's outputs to logits, float32 [batch, labels].

    The inputs are a dict of `token_ids`, `segment_ids` and `padding_mask`, int32 [batch, length].

    Args:
        encoder: what computes the head's inputs.
        head: a model from a dict of the `padding_mask` and those of the encoder's outputs that it needs.
    """

    def __init__(self, encoder: Encoder, head: keras.Model):
        inputs = {
            name: keras.Input((None,), dtype="int32", name=name)
            for name in ("token_ids", "segment_ids", "padding_mask")
        }
        encoded = encoder(inputs, return_sequence="sequence_output" in head.input)
        logits = head({**encoded, "padding_mask": inputs["padding_mask"]})
        super().__init__(inputs, logits, name="classifier")
        self.encoder, self.head = encoder, head

    def call(
        self,
        inputs: Mapping[str, Any],
        training: bool | None = None,
        mask: Any = None,
        embeddings: tf.Tensor | None = None,
        return_hidden_states: bool = False,
    ) -> Any:
        """Returns the logits, with `return_hidden_states` a pair of them and the hidden states.

        Args:
            inputs: see the class.
            training: whether dropout is on.
            mask: Keras' own, unused.
            embeddings: see `Encoder.call`.
            return_hidden_states: see `Encoder.call`.
        """
        names = [*self.input, *(name for name in inputs if name == "places")]
        inputs = {name: keras.ops.convert_to_tensor(inputs[name], "int32") for name in names}
        encoded = self.encoder(
            inputs,
            training=training,
            return_sequence="sequence_output" in self.head.input,
            embeddings=embeddings,
            return_hidden_states=return_hidden_states,
        )
        hidden_states = encoded.pop("hidden_states", None)
        logits = self.head({**encoded, "padding_mask": inputs["padding_mask"]}, training=training)
        return (logits, hidden_states) if return_hidden_states else logits


def build_model(encoder: Encoder, task: Task, config: HeadConfig) -> Classifier:
    """Returns `encoder` under the head of `task`, with random weights."""
    return Classifier(encoder, build_head(task, config, encoder.hidden_dim))


def build_head(task: Task, config: HeadConfig, hidden_dim: int) -> keras.Model:
    """Returns the head of `task` as a model of its own; see `Classifier`."""
    inputs = {
        "pooled_output": keras.Input((hidden_dim,), name="pooled_output"),
        "padding_mask": keras.Input((None,), dtype="int32", name="padding_mask"),
    }
    if task.needs_sequence(config):
        inputs["sequence_output"] = keras.Input((None, hidden_dim), name="sequence_output")
    encoded = {name: inputs[name] for name in inputs if name != "padding_mask"}
    return keras.Model(inputs, task.head(encoded, inputs["padding_mask"], config), name="head")

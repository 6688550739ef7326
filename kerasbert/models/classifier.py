"""The model: the encoder under a task's head."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from kerasbert.config import HeadConfig
from kerasbert.models.encoder import Encoder
from kerasbert.tasks import Task


def build_model(backbone: Encoder, task: Task, head: HeadConfig) -> keras.Model:
    """Returns a model from the text graph's outputs to logits.

    Its inputs are a dict of `token_ids`, `segment_ids` and `padding_mask`, int32 [batch, length]; its
    output is float32 [batch, labels]. The encoder is `model.get_layer("backbone")`.
    """
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "segment_ids", "padding_mask")
    }
    logits, _ = apply_head(task, head, inputs["padding_mask"], lambda whole: backbone(inputs, whole=whole))
    return keras.Model(inputs, logits, name="classifier")


def apply_head(
    task: Task, config: HeadConfig, padding_mask: Any, encode: Callable[[bool], Mapping[str, Any]]
) -> tuple[Any, bool]:
    """Returns the head's logits and whether it takes more than the encoder's `pooled_output`.

    Args:
        task: of the head.
        config: of the head.
        padding_mask: Keras tensor, int32 [batch, length].
        encode: returns the encoder's outputs, with `sequence_output` where the argument is true.
    """
    try:
        return task.head(encode(False), padding_mask, config), False
    except KeyError as missing:
        if missing.args != ("sequence_output",):
            raise
    return task.head(encode(True), padding_mask, config), True

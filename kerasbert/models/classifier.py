"""The model: the encoder under a task's head."""

import keras
import keras_nlp

from kerasbert.config import HeadConfig
from kerasbert.tasks import Task


def build_model(backbone: keras_nlp.models.BertBackbone, task: Task, head: HeadConfig) -> keras.Model:
    """Returns a model from the text graph's outputs to logits.

    Its inputs are a dict of `token_ids`, `segment_ids` and `padding_mask`, int32 [batch, length]; its
    output is float32 [batch, labels]. The encoder is `model.get_layer("backbone")`.
    """
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "segment_ids", "padding_mask")
    }
    logits = task.head(backbone(inputs), inputs["padding_mask"], head)
    return keras.Model(inputs, logits, name="classifier")

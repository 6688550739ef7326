"""The usual head: pool the encoder's outputs, drop out, one dense layer."""

from collections.abc import Mapping
from typing import Any

from kerasbert.config import HeadConfig


def dense_head(encoded: Mapping[str, Any], padding_mask: Any, config: HeadConfig, units: int) -> Any:
    """Returns float32 logits [batch, units]. See `Task.head` for the arguments."""
    import keras

    pooled = pool(encoded, padding_mask, config.pooling)
    pooled = keras.layers.Dropout(config.dropout, dtype="float32", name="head_dropout")(pooled)
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    return keras.layers.Dense(units, kernel_initializer=initializer, dtype="float32", name="logits")(pooled)


def pool(encoded: Mapping[str, Any], padding_mask: Any, pooling: str) -> Any:
    """Returns [batch, hidden], or [batch, 2 * hidden] for `mean_max`, over the real tokens."""
    from keras import ops

    if pooling == "cls":
        return encoded["pooled_output"]
    tokens = ops.cast(encoded["sequence_output"], "float32")
    real = ops.expand_dims(ops.cast(ops.not_equal(padding_mask, 0), "float32"), -1)
    mean = ops.sum(tokens * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
    if pooling == "mean":
        return mean
    highest = ops.max(tokens + (real - 1.0) * 1e9, axis=1)
    return highest if pooling == "max" else ops.concatenate([mean, highest], axis=-1)

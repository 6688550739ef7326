"""The usual head: pool the encoder's outputs, drop out, one dense layer."""

from collections.abc import Mapping
from typing import Any

from kerasbert.config import HeadConfig


def dense_head(encoded: Mapping[str, Any], padding_mask: Any, config: HeadConfig, units: int) -> Any:
    """Returns float32 logits [batch, units]. See `Task.head` for the arguments."""
    import keras

    if config.pooling == "attention":
        pooled = _attend(encoded["sequence_output"], padding_mask)
    else:
        pooled = pool(encoded, padding_mask, config.pooling)
    pooled = keras.layers.Dropout(config.dropout, dtype="float32", name="head_dropout")(pooled)
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    return keras.layers.Dense(units, kernel_initializer=initializer, dtype="float32", name="logits")(pooled)


def pool(encoded: Mapping[str, Any], padding_mask: Any, pooling: str) -> Any:
    """Returns [batch, hidden], or [batch, 2 * hidden] for `mean_max`, over the real tokens."""
    from keras import ops

    if pooling == "cls":
        return encoded["pooled_output"]
    tokens, real = _tokens(encoded["sequence_output"], padding_mask)
    mean = ops.sum(tokens * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
    if pooling == "mean":
        return mean
    highest = ops.max(tokens + (real - 1.0) * 1e9, axis=1)
    return highest if pooling == "max" else ops.concatenate([mean, highest], axis=-1)


def _attend(sequence: Any, padding_mask: Any) -> Any:
    """Returns the mean of the real tokens by learned weights, [batch, hidden]; at first that of all alike.

    Yang et al. 2016 (https://aclanthology.org/N16-1174), eq. 6 and 7, with the tokens' outputs as they are.
    """
    import keras
    from keras import ops

    tokens, real = _tokens(sequence, padding_mask)
    scores = keras.layers.Dense(
        1, use_bias=False, kernel_initializer="zeros", dtype="float32", name="attention"
    )(tokens)
    return ops.sum(ops.softmax(scores + (real - 1.0) * 1e9, axis=1) * tokens, axis=1)


def _tokens(sequence: Any, padding_mask: Any) -> tuple[Any, Any]:
    """Returns the outputs [batch, length, hidden] and which of them are real, [batch, length, 1]: float32."""
    from keras import ops

    real = ops.cast(ops.not_equal(padding_mask, 0), "float32")
    return ops.cast(sequence, "float32"), ops.expand_dims(real, -1)

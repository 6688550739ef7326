"""BERT's transformer over packed tokens, for training and for inference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from kerasbert.models.packing import Packing

Function = Callable[[tf.Tensor], tf.Tensor]
Attend = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
Attention = Callable[[tf.Tensor, Packing, bool], tf.Tensor]


@dataclass(frozen=True)
class LayerParts:
    """What a transformer layer computes with: Keras' layers in training, fused ones in an export.

    Attributes:
        query_key_value: from [tokens, hidden] to [tokens, 3 * hidden], the queries scaled.
        attention: see `self_attention`.
        attention_output: from [tokens, hidden] to the same shape.
        attention_norm: from both of them to the normalised sum.
        feed_forward: from [tokens, hidden] to the same shape.
        output_norm: from both of them to the normalised sum.
    """

    query_key_value: Function
    attention: Attention
    attention_output: Function
    attention_norm: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    feed_forward: Function
    output_norm: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def attend(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    bias: tf.Tensor,
    dropout: Function = lambda weights: weights,
) -> tf.Tensor:
    """Returns what attention takes of the values, [batch, heads, length, width].

    Args:
        query: [batch, heads, length, width], scaled.
        key: [batch, heads, length, width].
        value: [batch, heads, length, width].
        bias: [batch, 1, 1, length], added to the scores.
        dropout: of the attention weights.
    """
    scores = tf.matmul(query, key, transpose_b=True)
    weights = tf.nn.softmax(tf.cast(scores, bias.dtype) + bias)
    return tf.matmul(dropout(tf.cast(weights, query.dtype)), value)


def self_attention(
    query_key_value: tf.Tensor, packing: Packing, first_only: bool = False, attend: Attend = attend
) -> tf.Tensor:
    """Returns what the tokens take of each other, [tokens, hidden].

    Args:
        query_key_value: [tokens, 3 * hidden].
        packing: of the tokens.
        first_only: whether only the first token of each row asks; returns [batch, hidden].
        attend: see `attend`.
    """
    query, key, value = tf.unstack(packing.split_heads(query_key_value))
    if first_only:
        first = attend(query[:, :, :1], key, value, packing.bias)
        return tf.reshape(first, [-1, query_key_value.shape[-1] // 3])
    return packing.merge_heads(attend(query, key, value, packing.bias))


def bert_layer(x: tf.Tensor, packing: Packing, parts: LayerParts, first_only: bool = False) -> tf.Tensor:
    """Returns x [tokens, hidden] after one layer (Vaswani et al. 2017, section 3.1).

    With `first_only` the first token of each row alone, [batch, hidden].
    """
    attended = parts.attention(parts.query_key_value(x), packing, first_only)
    if first_only:
        x = packing.first(x)
    x = parts.attention_norm(x, parts.attention_output(attended))
    return parts.output_norm(x, parts.feed_forward(x))


def encode(
    x: tf.Tensor,
    packing: Packing,
    layers: Sequence[LayerParts],
    pooler: Function,
    return_sequence: bool,
    return_hidden_states: bool = False,
) -> dict[str, Any]:
    """Returns what BERT makes of embeddings [tokens, hidden].

    Returns:
        `pooled_output` [batch, hidden]; with `return_sequence` also `sequence_output` [batch, length,
        hidden], zero in padding; with `return_hidden_states` also `hidden_states`, the embeddings and the
        output of each layer, [tokens, hidden]. With neither the last layer is computed for the first tokens
        alone.
    """
    hidden_states = [x]
    for parts in layers[:-1]:
        hidden_states.append(bert_layer(hidden_states[-1], packing, parts))
    first_only = not (return_sequence or return_hidden_states)
    last = bert_layer(hidden_states[-1], packing, layers[-1], first_only)
    outputs: dict[str, Any] = {"pooled_output": pooler(last if first_only else packing.first(last))}
    if return_sequence:
        outputs["sequence_output"] = packing.unpack(last)
    if return_hidden_states:
        outputs["hidden_states"] = [*hidden_states, last]
    return outputs


def sum_embeddings(
    tables: Sequence[tf.Tensor], token_ids: tf.Tensor, segment_ids: tf.Tensor, packing: Packing
) -> tf.Tensor:
    """Returns the float32 sum of the embeddings of tokens, positions and segments, [tokens, hidden].

    Args:
        tables: of the three, [rows, hidden].
        token_ids: int32 [batch, length].
        segment_ids: int32 [batch, length].
        packing: of the batch.
    """
    indices = (packing.pack(token_ids), packing.positions, packing.pack(segment_ids))
    token, position, segment = (
        tf.cast(tf.gather(table, index), tf.float32) for table, index in zip(tables, indices, strict=True)
    )
    return token + position + segment


def normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Layer normalisation (Ba et al. 2016) in float32, with its gradient in closed form."""

    # Not tf.nn.batch_normalization: TensorFlow 2.21 fuses that, and drops epsilon.
    @tf.custom_gradient
    def normalize(
        x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
        centred = tf.cast(x, tf.float32)
        centred -= tf.reduce_mean(centred, axis=-1, keepdims=True)
        scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + epsilon)
        normal = centred * scale

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            upstream = tf.cast(upstream, tf.float32)
            inner = upstream * gamma
            along = tf.reduce_mean(inner * normal, axis=-1, keepdims=True)
            inner = (inner - tf.reduce_mean(inner, axis=-1, keepdims=True) - normal * along) * scale
            return (
                tf.cast(inner, x.dtype),
                tf.reduce_sum(upstream * normal, axis=0),
                tf.reduce_sum(upstream, axis=0),
            )

        return tf.cast(normal * gamma + beta, x.dtype), gradient

    return normalize(x, gamma, beta)

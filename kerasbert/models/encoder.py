"""The encoder: KerasHub's BertBackbone, computed without its padding."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import keras_nlp
import tensorflow as tf

from kerasbert.models.gelu import gelu
from kerasbert.models.keras_hub_layers import Sublayers, embedding_tables, sublayers
from kerasbert.models.packing import Packing
from kerasbert.models.transformer import (
    LayerParts,
    attend,
    encode,
    normalize,
    self_attention,
    sum_embeddings,
)
from kerasbert.models.windows import Encode, WindowRows, in_chunks

_LEVELS = 1 << 16  # of the random numbers that dropout draws


class Encoder(keras_nlp.models.BertBackbone):
    """BertBackbone whose work grows with the real tokens.

    Layers, weights, their names and the configuration are KerasHub's, and so are the outputs on real
    tokens; on padding `sequence_output` is zero. Everything but attention runs on one row for each real
    token, as in Zeng et al. 2022 (https://arxiv.org/abs/2208.08124); query, key and value come from one
    product; and where no more than `pooled_output` is wanted the last layer runs on [CLS] alone.

    Attributes:
        window_length: where rows have several windows: that of one; see `WindowRows`. None: rows are whole.
    """

    window_length: int | None = None

    def call(
        self,
        inputs: Mapping[str, tf.Tensor],
        training: bool | None = None,
        mask: Any = None,
        return_sequence: bool = True,
        embeddings: tf.Tensor | None = None,
        return_hidden_states: bool = False,
    ) -> dict[str, Any]:
        """Returns a dict of `pooled_output` [batch, hidden] and what else is wanted.

        Args:
            inputs: `token_ids`, `segment_ids` and `padding_mask`, int32 [batch, length]; 1 on real tokens.
                With `places` the number of tokens is fixed: see `Packing`.
            training: whether dropout is on.
            mask: Keras' own, unused.
            return_sequence: whether `sequence_output` [batch, length, hidden] is wanted.
            embeddings: [tokens, hidden] of the real tokens, instead of what `embed` returns.
            return_hidden_states: whether `hidden_states` is wanted: a list of the embeddings and the
                output of each layer, [tokens, hidden].
        """
        encode: Encode = partial(
            self._encode,
            training=training,
            return_sequence=return_sequence,
            embeddings=embeddings,
            return_hidden_states=return_hidden_states,
        )
        if self.window_length is None:
            return encode(inputs)
        if not training and embeddings is None and not return_hidden_states:
            encode = in_chunks(encode, self.hidden_dim, tf.as_dtype(self.compute_dtype), return_sequence)
        return WindowRows(inputs["padding_mask"], self.window_length).encode(inputs, encode)

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None, return_sequence: bool = True
    ) -> dict[str, keras.KerasTensor]:
        """Returns what `call` returns, as Keras tensors."""
        outputs = super().compute_output_spec(inputs, training=training, mask=mask)
        return {name: outputs[name] for name in outputs if return_sequence or name == "pooled_output"}

    def embed(self, inputs: Mapping[str, tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Returns the normalised embeddings of the real tokens, [tokens, hidden], row by row."""
        if self.window_length is not None:
            inputs = WindowRows(inputs["padding_mask"], self.window_length).split(inputs)
        return self._embed(inputs, self._packing(inputs), training)

    def _packing(self, inputs: Mapping[str, tf.Tensor]) -> Packing:
        return Packing(inputs["padding_mask"], self.num_heads, places=inputs.get("places"))

    def _encode(
        self,
        inputs: Mapping[str, tf.Tensor],
        training: bool | None,
        return_sequence: bool,
        embeddings: tf.Tensor | None,
        return_hidden_states: bool,
    ) -> dict[str, Any]:
        packing = self._packing(inputs)
        if embeddings is None:
            embeddings = self._embed(inputs, packing, training)
        parts = [self._parts(sublayers(layer), training) for layer in self.transformer_layers]
        return encode(embeddings, packing, parts, self.pooled_dense, return_sequence, return_hidden_states)

    def _embed(self, inputs: Mapping[str, tf.Tensor], packing: Packing, training: bool | None) -> tf.Tensor:
        summed = sum_embeddings(embedding_tables(self), inputs["token_ids"], inputs["segment_ids"], packing)
        x = _normalize(self.embeddings_layer_norm, tf.cast(summed, self.compute_dtype))
        return _dropout(self.embeddings_dropout, x, training)

    def _parts(self, layer: Sublayers, training: bool | None) -> LayerParts:
        hidden, scale = self.hidden_dim, (self.hidden_dim // self.num_heads) ** -0.5

        def query_key_value(x: tf.Tensor) -> tf.Tensor:
            scaled = ((layer.query, scale), (layer.key, 1.0), (layer.value, 1.0))
            kernel = tf.concat(
                [tf.reshape(part.kernel, [hidden, hidden]) * by for part, by in scaled], axis=1
            )
            bias = tf.concat([tf.reshape(part.bias, [hidden]) * by for part, by in scaled], axis=0)
            return tf.nn.bias_add(x @ kernel, bias)

        def attention_output(x: tf.Tensor) -> tf.Tensor:
            kernel = tf.reshape(layer.attention_output.kernel, [hidden, hidden])
            return tf.nn.bias_add(x @ kernel, layer.attention_output.bias)

        return LayerParts(
            query_key_value,
            attention=partial(
                self_attention,
                attend=partial(
                    attend, dropout=lambda weights: _dropout(layer.attention_dropout, weights, training)
                ),
            ),
            attention_output=attention_output,
            attention_norm=lambda x, y: _normalize(
                layer.attention_norm, x + _dropout(layer.attention_output_dropout, y, training)
            ),
            feed_forward=lambda x: layer.output(
                layer.intermediate(x) if training else _inferred(layer.intermediate, x)
            ),
            output_norm=lambda x, y: _normalize(
                layer.output_norm, x + _dropout(layer.output_dropout, y, training)
            ),
        )


def _dropout(layer: keras.layers.Dropout, x: tf.Tensor, training: bool | None) -> tf.Tensor:
    """Dropout that draws 16 random bits a number, which takes half the time of Keras' 32."""
    if not training or not layer.rate:
        return x
    size = tf.size(x)
    bits = tf.random.stateless_uniform(
        [(size + 1) // 2], layer.seed_generator.next(), None, None, dtype=tf.int32
    )
    drawn = tf.reshape(tf.reshape(tf.bitcast(bits, tf.uint16), [-1])[:size], tf.shape(x))
    kept = tf.cast(tf.cast(drawn, tf.int32) >= round(layer.rate * _LEVELS), x.dtype)
    return x * (kept * tf.cast(1.0 / (1.0 - layer.rate), x.dtype))


def _inferred(layer: keras.layers.Dense, x: tf.Tensor) -> tf.Tensor:
    """Returns `layer(x)` by one operation: in this order TensorFlow fuses product, bias and GELU."""
    kernel, bias = (tf.cast(weight, x.dtype) for weight in (layer.kernel, layer.bias))
    y = tf.nn.bias_add(tf.matmul(x, kernel), bias)
    return tf.nn.gelu(y, approximate=layer.activation is not gelu)


def _normalize(layer: keras.layers.LayerNormalization, x: tf.Tensor) -> tf.Tensor:
    gamma, beta = tf.convert_to_tensor(layer.gamma), tf.convert_to_tensor(layer.beta)
    return normalize(x, gamma, beta, layer.epsilon)

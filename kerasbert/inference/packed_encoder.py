"""The encoder for inference, in float32, in bfloat16 or with int8 products."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import keras
import keras_nlp
import numpy as np
import tensorflow as tf

from kerasbert.inference.attention import AttentionBySize
from kerasbert.inference.dense import Dense
from kerasbert.models.encoder import Encoder
from kerasbert.models.gelu import gelu
from kerasbert.models.keras_hub_layers import Sublayers, embedding_tables, sublayers
from kerasbert.models.packing import Packing
from kerasbert.models.transformer import (
    Attention,
    LayerParts,
    encode,
    normalize,
    self_attention,
    sum_embeddings,
)
from kerasbert.models.windows import Encode, WindowRows, in_chunks

# How dense layers compute: `Dense.__call__`, `Dense.in_float32` or `Dense.calibrate`.
_Multiply = Callable[[Dense, tf.Tensor], tf.Tensor]


class PackedEncoder(tf.Module):
    """Computes what `Encoder` computes, with weights that are stored and multiplied as a server wants them.

    Query, key and value come from one stored kernel, and the scale of attention is in it.

    Args:
        encoder: the trained one; its weights are copied.
        dtype: float32 or bfloat16, of the weights and the arithmetic; normalisation is in float32.
        int8: whether the dense layers multiply 8-bit integers.
    """

    def __init__(self, encoder: keras_nlp.models.BertBackbone, dtype: tf.DType, int8: bool):
        super().__init__(name="encoder")
        self._dtype, self._heads, self._hidden = dtype, encoder.num_heads, encoder.hidden_dim
        self._window_length = encoder.window_length if isinstance(encoder, Encoder) else None
        self._tables = [tf.Variable(tf.cast(table, dtype)) for table in embedding_tables(encoder)]
        self._norm = _Norm(encoder.embeddings_layer_norm)
        self._layers = [
            _Layer(sublayers(layer), encoder.hidden_dim // encoder.num_heads, dtype, int8)
            for layer in encoder.transformer_layers
        ]
        pooler = encoder.pooled_dense
        self._pooler = Dense(_array(pooler.kernel), _array(pooler.bias), tf.float32, int8=False)

    def __call__(
        self, inputs: Mapping[str, tf.Tensor], return_sequence: bool, embeddings: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns float32 `pooled_output` [batch, hidden] and, if wanted, `sequence_output`.

        Args:
            inputs: `token_ids`, `segment_ids`, `padding_mask`, int32 [batch, length].
            return_sequence: whether `sequence_output` [batch, length, hidden], zero in padding, is wanted.
                Without it the last layer is computed for [CLS] alone.
            embeddings: float32 [tokens, hidden], instead of what `embed` returns. With them all is computed
                in float32, from the weights as they are stored, and has gradients.
        """

        def from_tokens(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            x = tf.cast(self._embed(inputs), self._dtype)
            return self._encode(inputs, x, Dense.__call__, return_sequence)

        def from_embeddings(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return self._encode(inputs, embeddings, Dense.in_float32, return_sequence)

        encode: Encode = from_tokens if embeddings is None else from_embeddings
        if self._window_length is None:
            return encode(inputs)
        if embeddings is None:
            encode = in_chunks(encode, self._hidden, tf.float32, return_sequence)
        return WindowRows(inputs["padding_mask"], self._window_length).encode(inputs, encode)

    def embed(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the normalised embeddings of the real tokens, float32 [tokens, hidden], row by row."""
        if self._window_length is not None:
            inputs = WindowRows(inputs["padding_mask"], self._window_length).split(inputs)
        return self._embed(inputs)

    def _embed(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        packing = Packing(inputs["padding_mask"], self._heads)
        return self._norm(sum_embeddings(self._tables, inputs["token_ids"], inputs["segment_ids"], packing))

    def calibrate(self, batches: Iterable[Mapping[str, tf.Tensor]]) -> None:
        """Fixes the ranges of 8-bit inputs by what `batches`, each of one window, bring about in float32."""
        for inputs in batches:
            self._encode(inputs, self._embed(inputs), Dense.calibrate, return_sequence=True)

    def _encode(
        self, inputs: Mapping[str, tf.Tensor], x: tf.Tensor, multiply: _Multiply, return_sequence: bool
    ) -> dict[str, tf.Tensor]:
        packing = Packing(inputs["padding_mask"], self._heads, x.dtype)
        attention: Attention = self_attention  # has gradients
        if multiply is Dense.__call__:
            attention = AttentionBySize(packing)
        layers = [layer.parts(multiply, attention) for layer in self._layers]
        outputs = encode(x, packing, layers, self._pool, return_sequence)
        return {name: tf.cast(output, tf.float32) for name, output in outputs.items()}

    def _pool(self, first: tf.Tensor) -> tf.Tensor:
        return tf.tanh(self._pooler(tf.cast(first, tf.float32)))


class _Layer(tf.Module):
    """The weights of a transformer layer.

    Args:
        layer: the trained one.
        width: of an attention head.
        dtype: see `PackedEncoder`.
        int8: see `PackedEncoder`.
    """

    def __init__(self, layer: Sublayers, width: int, dtype: tf.DType, int8: bool):
        super().__init__()

        def dense(kernel: np.ndarray, bias: np.ndarray, *options: Any) -> Dense:
            return Dense(kernel, bias, dtype, int8, *options)

        biases = [_array(part.bias).reshape(-1) for part in (layer.query, layer.key, layer.value)]
        hidden = biases[0].size
        kernels = [
            _array(part.kernel).reshape(hidden, hidden) for part in (layer.query, layer.key, layer.value)
        ]
        for query in (kernels, biases):
            query[0] = query[0] * np.float32(width**-0.5)
        self._query_key_value = dense(np.concatenate(kernels, axis=1), np.concatenate(biases))
        output, first, second = layer.attention_output, layer.intermediate, layer.output
        self._attention_output = dense(_array(output.kernel).reshape(hidden, hidden), _array(output.bias))
        self._attention_norm = _Norm(layer.attention_norm)
        activation = "GeluExact" if first.activation is gelu else "GeluApproximate"
        self._output = dense(_array(second.kernel), _array(second.bias))
        self._intermediate = dense(_array(first.kernel), _array(first.bias), activation, self._output)
        self._output_norm = _Norm(layer.output_norm)

    def parts(self, multiply: _Multiply, attention: Attention) -> LayerParts:
        """Returns the parts of the layer, with dense layers that compute by `multiply`."""
        return LayerParts(
            query_key_value=partial(multiply, self._query_key_value),
            attention=attention,
            attention_output=partial(multiply, self._attention_output),
            attention_norm=self._attention_norm,
            feed_forward=lambda x: multiply(self._output, multiply(self._intermediate, x)),
            output_norm=self._output_norm,
        )


class _Norm(tf.Module):
    """Layer normalisation of a sum, in float32, with constants of the graph: see `Dense`."""

    def __init__(self, layer: keras.layers.LayerNormalization):
        super().__init__()
        self._gamma, self._beta = _array(layer.gamma), _array(layer.beta)
        self._epsilon = layer.epsilon

    def __call__(self, *terms: tf.Tensor) -> tf.Tensor:
        summed = tf.add_n([tf.cast(term, tf.float32) for term in terms])
        return tf.cast(normalize(summed, self._gamma, self._beta, self._epsilon), terms[0].dtype)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)

"""The encoder for inference: the trainer's weights, laid out for a server."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasbert.export.dense import Dense
from kerasbert.models.encoder import Encoder, Tap
from kerasbert.models.gelu import gelu


class PackedEncoder(tf.Module):
    """Computes what `Encoder` computes, on real tokens alone and on no more rows than are asked for.

    Query, key and value come from one stored kernel, the scale of attention is in it, and rows and heads
    are taken apart and put together by single gathers.

    Args:
        encoder: the trained one; its weights are copied.
        dtype: float32 or bfloat16, of the weights and the arithmetic; normalisation is in float32.
        int8: whether the dense layers multiply 8-bit integers.
    """

    def __init__(self, encoder: Encoder, dtype: tf.DType, int8: bool):
        super().__init__(name="encoder")
        self._dtype, self._in_float32 = dtype, False
        self._tap: Tap | None = None
        self._heads = encoder.num_heads
        self._token, self._position, self._segment = (
            tf.Variable(tf.cast(table.value, dtype))
            for table in (
                encoder.token_embedding.embeddings,
                encoder.position_embedding.position_embeddings,
                encoder.segment_embedding.embeddings,
            )
        )
        self._norm = _Norm(encoder.embeddings_layer_norm)
        self._layers = [_Layer(layer, encoder, dtype, int8) for layer in encoder.transformer_layers]
        pooler = encoder.pooled_dense
        self._pooler = Dense(_array(pooler.kernel), _array(pooler.bias), tf.float32, int8=False)

    def __call__(self, inputs: Mapping[str, tf.Tensor], whole: bool) -> dict[str, tf.Tensor]:
        """Returns float32 `pooled_output` [batch, hidden] and, if `whole`, `sequence_output`.

        Args:
            inputs: `token_ids`, `segment_ids`, `padding_mask`, int32 [batch, length].
            whole: whether `sequence_output` [batch, length, hidden], zero on padding, is wanted. Without it
                the last layer is computed for [CLS] alone.
        """
        dtype = tf.float32 if self._in_float32 else self._dtype
        mask = inputs["padding_mask"]
        rows = _Rows(mask, self._heads, dtype)
        x = sum(
            tf.cast(tf.gather(table, ids), tf.float32)
            for table, ids in (
                (self._token, rows.real(inputs["token_ids"])),
                (self._position, rows.positions),
                (self._segment, rows.real(inputs["segment_ids"])),
            )
        )
        x = tf.cast(self._norm(x), dtype)
        if self._tap:
            x = self._tap(x, rows.numbers)
        for layer in self._layers[:-1]:
            x = layer(x, rows, False, self._in_float32)
        x = tf.cast(self._layers[-1](x, rows, not whole, self._in_float32), tf.float32)
        if not whole:
            return {"pooled_output": tf.tanh(self._pooler(x))}
        pooled = tf.tanh(self._pooler(tf.gather(x, rows.first)))
        padded = tf.reshape(tf.gather(x, rows.tokens), [*tf.unstack(tf.shape(mask)), x.shape[-1]])
        computed = tf.cast(rows.computed, tf.float32)[..., None]
        return {"pooled_output": pooled, "sequence_output": padded * computed}

    def calibrate(self, batches: Iterable[Mapping[str, tf.Tensor]]) -> None:
        """Fixes the ranges of 8-bit inputs by what `batches` bring about in float32."""
        with self.in_float32(), contextlib.ExitStack() as stack:
            for module in self.submodules:
                if isinstance(module, Dense):
                    stack.enter_context(module.calibrating())
            for inputs in batches:
                self(inputs, whole=True)

    @contextlib.contextmanager
    def tapped(self, tap: Tap) -> Iterator[None]:
        """Lets the output of the embeddings pass through `tap` in this block; see `Encoder.tapped`."""
        self._tap = tap
        try:
            yield
        finally:
            self._tap = None

    @contextlib.contextmanager
    def in_float32(self) -> Iterator[None]:
        """Computes in float32 in this block, with the weights as they are stored; has gradients."""
        self._in_float32 = True
        try:
            yield
        finally:
            self._in_float32 = False


class _Rows:
    """Where the real tokens are.

    Args:
        padding_mask: int32 [batch, length], not 0 on real tokens. The first place is computed even where it
            is 0: the pooled output is taken there.
        heads: of attention.
        dtype: of `bias`.
    """

    def __init__(self, padding_mask: tf.Tensor, heads: int, dtype: tf.DType):
        batch, length = tf.unstack(tf.shape(padding_mask))
        real = padding_mask != 0
        self.computed = real | (tf.range(length) == 0)
        computed = tf.reshape(self.computed, [-1])
        self._places = tf.cast(tf.where(computed)[:, 0], tf.int32)
        self.numbers, self.positions = self._places // length, self._places % length
        # The token at each place; on padding the one before it in its row, which `bias` hides.
        self.tokens = tf.cumsum(tf.cast(computed, tf.int32)) - 1
        self.first = tf.gather(self.tokens, tf.range(batch) * length)
        # Added to the scores of attention: padding gets none of it.
        self.bias = (tf.cast(real, dtype)[:, None, None, :] - 1.0) * 1e9
        # From [tokens, 3, heads] to query, key and value [3, batch, heads, length], and back.
        head = tf.range(heads)
        token = tf.reshape(self.tokens, [1, batch, 1, length])
        self.apart = (token * 3 + tf.range(3)[:, None, None, None]) * heads + head[:, None]
        self.together = (self.numbers[:, None] * heads + head) * length + self.positions[:, None]

    def real(self, values: tf.Tensor) -> tf.Tensor:
        """Returns [tokens] from [batch, length]."""
        return tf.gather(tf.reshape(values, [-1]), self._places)


class _Layer(tf.Module):
    """A layer of the encoder, by KerasHub's names.

    Args:
        layer: the trained one.
        encoder: it is of.
        dtype: see `PackedEncoder`.
        int8: see `PackedEncoder`.
    """

    def __init__(self, layer: Any, encoder: Encoder, dtype: tf.DType, int8: bool):
        super().__init__()
        self._hidden = hidden = encoder.hidden_dim
        self._width = hidden // encoder.num_heads
        attention, first = layer._self_attention_layer, layer._feedforward_intermediate_dense
        parts = (attention.query_dense, attention.key_dense, attention.value_dense)
        kernels = [_array(part.kernel).reshape(hidden, hidden) for part in parts]
        biases = [_array(part.bias).reshape(hidden) for part in parts]
        for query in (kernels, biases):
            query[0] = query[0] * np.float32(self._width**-0.5)
        self._qkv = Dense(np.concatenate(kernels, axis=1), np.concatenate(biases), dtype, int8)
        output = attention.output_dense
        self._output = Dense(_array(output.kernel).reshape(hidden, hidden), _array(output.bias), dtype, int8)
        self._attention_norm = _Norm(layer._self_attention_layer_norm)
        activation = "GeluExact" if first.activation is gelu else "GeluApproximate"
        self._widen = Dense(_array(first.kernel), _array(first.bias), dtype, int8, activation)
        second = layer._feedforward_output_dense
        self._narrow = Dense(_array(second.kernel), _array(second.bias), dtype, int8)
        self._feedforward_norm = _Norm(layer._feedforward_layer_norm)

    def __call__(self, x: tf.Tensor, rows: _Rows, first_only: bool, in_float32: bool) -> tf.Tensor:
        """Returns [tokens, hidden], or [batch, hidden] of the first tokens only."""
        qkv = tf.gather(tf.reshape(self._qkv(x, in_float32), [-1, self._width]), rows.apart)
        query, key, value = tf.unstack(qkv)
        if first_only:
            query, x = query[:, :, :1], tf.gather(x, rows.first)
        scores = tf.matmul(query, key, transpose_b=True)
        attended = tf.matmul(tf.nn.softmax(scores + rows.bias), value)
        if not first_only:
            attended = tf.gather(tf.reshape(attended, [-1, self._width]), rows.together)
        attended = tf.reshape(attended, [-1, self._hidden])
        x = self._attention_norm(x, self._output(attended, in_float32))
        return self._feedforward_norm(x, self._narrow(self._widen(x, in_float32), in_float32))


class _Norm(tf.Module):
    """Layer normalisation (Ba et al. 2016) of a sum, in float32."""

    def __init__(self, layer: keras.layers.LayerNormalization):
        super().__init__()
        self._gamma, self._beta = tf.Variable(layer.gamma.value), tf.Variable(layer.beta.value)
        self._epsilon = layer.epsilon

    def __call__(self, *parts: tf.Tensor) -> tf.Tensor:
        x = sum(tf.cast(part, tf.float32) for part in parts)
        x -= tf.reduce_mean(x, axis=-1, keepdims=True)
        scale = tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + self._epsilon)
        # Not as tf.nn.batch_normalization has it: TensorFlow 2.21 fuses that, and drops epsilon.
        return tf.cast(x * scale * self._gamma + self._beta, parts[0].dtype)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)

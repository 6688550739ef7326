"""A dense layer for inference, in float32, bfloat16 or with int8 products."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_library

_LARGEST = 127  # of a symmetric int8
_HEADROOM = 1.25  # what real texts bring about beyond what calibration saw; little is lost below


class Dense(tf.Module):
    """x @ kernel + bias, then GELU or nothing.

    Int8 follows Zafrir et al. 2019 (https://arxiv.org/abs/1910.06188) but for the scales of the weights,
    one for each output. That of the inputs is fixed by `calibrate`; until then it is taken from each batch,
    which lets a row change the answers to the rows beside it.

    Args:
        kernel: float32 [inputs, outputs].
        bias: float32 [outputs].
        dtype: of the stored weights and of the outputs: float32 or bfloat16.
        int8: multiply 8-bit integers. Needs a CPU and TensorFlow with oneDNN, as on x86-64.
        gelu: "GeluExact", "GeluApproximate" or None.
        then: the layer that takes the outputs. Once it is calibrated, int8 gives it integers of its range.
    """

    def __init__(
        self,
        kernel: np.ndarray,
        bias: np.ndarray,
        dtype: tf.DType,
        int8: bool,
        gelu: str | None = None,
        then: "Dense | None" = None,
    ):
        super().__init__()
        self._dtype, self._int8, self._gelu, self._then = dtype, int8, gelu, then
        self._largest: float | None = None  # of the inputs' magnitudes
        # The bias is a constant of the graph: what is small costs more to read from a variable than to use.
        if int8:
            self._ranges = np.maximum(np.abs(kernel).max(axis=0), 1e-12)
            integers = np.round(kernel / self._ranges * _LARGEST).astype(np.int8)
            self._kernel = tf.Variable(tf.bitcast(integers, tf.qint8))
            self._bias = bias
        else:
            self._kernel = tf.Variable(tf.cast(kernel, dtype))
            self._bias = bias.astype(dtype.as_numpy_dtype)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns [rows, outputs] for x [rows, inputs], both in the layer's dtype; for `then`, see there."""
        if self._int8:
            return self._quantized(x)
        return self._multiply(x, self._kernel)

    def in_float32(self, x: tf.Tensor) -> tf.Tensor:
        """Computes in float32, whatever the weights are stored in; has a gradient."""
        if self._int8:
            kernel = tf.cast(tf.bitcast(self._kernel, tf.int8), tf.float32) * (self._ranges / _LARGEST)
        else:
            kernel = tf.cast(self._kernel, tf.float32)
        return self._multiply(x, kernel)

    def calibrate(self, x: tf.Tensor) -> tf.Tensor:
        """Widens the range of the inputs to that of x, and computes in float32. Call it eagerly.

        What is beyond the range saturates.
        """
        self._largest = max(self._largest or 1e-12, float(tf.reduce_max(tf.abs(x))))
        return self.in_float32(x)

    def _multiply(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        # In this order TensorFlow fuses product, bias and GELU into one operation.
        y = tf.nn.bias_add(tf.matmul(x, kernel), tf.cast(self._bias, x.dtype))
        return tf.nn.gelu(y, approximate=self._gelu == "GeluApproximate") if self._gelu else y

    def _quantized(self, x: tf.Tensor) -> tf.Tensor:
        if x.dtype == tf.qint8:
            integers, largest = x, self._range()
        else:
            x = tf.cast(x, tf.float32)
            largest = self._range(x)
            # The ranges that it returns are 128 / 127 times as wide as what it maps to 127.
            integers, _, _ = tf.quantization.quantize(
                x,
                -largest,
                largest,
                tf.qint8,
                mode="SCALED",
                narrow_range=False,
                ensure_minimum_range=0.0,  # its default widens the range of small inputs
            )
        activation = [self._gelu] if self._gelu else []
        limits = [-largest, largest, tf.constant(-self._ranges), tf.constant(self._ranges)]
        if self._then is None or self._then._largest is None:
            dtype, last, ranges = self._dtype, "Dequantize", []
        else:
            dtype, last, ranges = tf.qint8, "Requantize", [tf.float32] * 2
            limits += [-self._then._range(), self._then._range()]
        # The only operation of TensorFlow with a scale for each output; Python has no name for it.
        (product,), _ = op_def_library.apply_op(
            "_QuantizedMatMul",
            name="quantized",
            device_inputs=[integers, tf.convert_to_tensor(self._kernel), tf.constant(self._bias)],
            host_inputs=limits,
            Tdevice_outputs=[dtype],
            Thost_outputs=ranges,
            T1=tf.qint8,
            T2=tf.qint8,
            Tbias=tf.float32,
            U=tf.float32,
            Tout=dtype,
            fused_ops=["BiasAdd", *activation, last],
            input_quant_mode="SCALED",
            output_quant_mode="SCALED",
            transpose_a=False,
            transpose_b=False,
            is_weight_const=True,  # a server's weights never change: they are laid out once
            is_bias_const=True,
            leakyrelu_alpha=0.0,
        )
        product.set_shape([None, self._ranges.size])
        return product

    def _range(self, x: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the largest magnitude of the inputs, or that of x where none is calibrated."""
        if self._largest is not None:
            return tf.constant(self._largest * _HEADROOM)
        return tf.maximum(tf.reduce_max(tf.abs(x)), 1e-12)  # a batch of none has no maximum

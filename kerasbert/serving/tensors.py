"""Converts between arrays and `TensorProto`s."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from kerasbert.serving.errors import invalid

_MOST_DIMENSIONS = 32
_MOST_ELEMENTS = 4 * 1024 * 1024
# The fields that TensorFlow Serving fills and clients in other languages read.
_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    **dict.fromkeys((tf.int32, tf.int16, tf.int8, tf.uint16, tf.uint8), "int_val"),
}
_NAMES = {tf.float32: "float", tf.float64: "double", tf.float16: "half"}


def dtype_of(array: np.ndarray) -> tf.DType:
    """Returns TensorFlow's type of an array; object arrays hold strings."""
    return tf.string if array.dtype == object else tf.as_dtype(array.dtype)


def type_name(dtype: tf.DType) -> str:
    """Returns the name of a type in messages: `float`, `int32`, `string`."""
    return _NAMES.get(dtype, dtype.name)


def enum_name(array: np.ndarray) -> str:
    """Returns the name of an array's type in protos: `DT_FLOAT`."""
    return types_pb2.DataType.Name(dtype_of(array).as_datatype_enum)


def declared(name: str, proto: Any) -> tuple[tf.DType, list[int]]:
    """Returns the type and the shape of a `TensorProto`, whose values are not read.

    Raises:
        ServingError: they are those of no tensor, or of a very large one.
    """
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    # A single value can fill a whole tensor, so a small message could exhaust the memory.
    sane = len(shape) <= _MOST_DIMENSIONS and all(size >= 0 for size in shape)
    if proto.tensor_shape.unknown_rank or not sane or math.prod(shape) > _MOST_ELEMENTS:
        raise invalid(f"tensor parsing error: {name}")
    try:
        return tf.as_dtype(proto.dtype), shape
    except TypeError as error:
        raise invalid(f"tensor parsing error: {name}") from error


def to_array(name: str, proto: Any) -> np.ndarray:
    """Returns the array of a `TensorProto`; strings as an object array of bytes.

    Raises:
        ServingError: the shape and the values do not match.
    """
    dtype, shape = declared(name, proto)
    try:
        if dtype == tf.string and proto.tensor_content:  # not supported by make_ndarray
            if math.prod(shape) > len(proto.tensor_content):
                raise ValueError("fewer bytes than strings")
            strings = tf.io.parse_tensor(proto.SerializeToString(), tf.string)
            return np.asarray(strings.numpy(), object)
        return np.asarray(tf.make_ndarray(proto))
    except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
        raise invalid(f"tensor parsing error: {name}") from error


def to_proto(array: np.ndarray) -> Any:
    """Returns the `TensorProto` of an array."""
    dtype = dtype_of(array)
    if dtype not in _FIELDS:
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    getattr(proto, _FIELDS[dtype]).extend(array.ravel().tolist())
    return proto

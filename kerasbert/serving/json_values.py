"""Converts single JSON values to values of a tensor or a feature."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf

from kerasbert.serving.errors import ServingError, invalid
from kerasbert.serving.json_text import shown, to_bytes
from kerasbert.serving.tensors import type_name

_INT = range(-(2**31), 2**31)
_RANGES = {
    tf.int32: _INT,
    tf.int16: _INT,
    tf.int8: _INT,
    tf.uint8: _INT,
    tf.int64: range(-(2**63), 2**63),
    tf.uint32: range(2**32),
    tf.uint64: range(2**64),
}
_KINDS = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number", type(None): "Null"}


def malformed(value: Any, message: str) -> ServingError:
    """Returns the error of a malformed JSON value."""
    return invalid(f"JSON Value: {shown(value)} {message}")


def kind_of(value: Any) -> str:
    """Returns the name of a JSON value's type for messages."""
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def is_object(value: Any) -> bool:
    """Whether a value is an object other than `{"b64": ...}`."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def from_base64(value: dict[str, Any]) -> bytes:
    """Decodes a `{"b64": ...}` object; padding is optional and whitespace is ignored."""
    if not _is_base64(value):
        raise malformed(value, "not formatted correctly for base64 data")
    try:
        text = "".join(value["b64"].split())
        if "=" not in text:
            text += "=" * (-len(text) % 4)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def reader(dtype: tf.DType) -> Callable[[Any], Any]:
    """Returns the function that converts a parsed value to `dtype` or raises `ServingError`."""

    def refuse(value: Any) -> ServingError:
        return invalid(
            f"JSON Value: {shown(value)} Type: {kind_of(value)} is not of expected type: {type_name(dtype)}"
        )

    def read_string(value: Any) -> bytes:
        if isinstance(value, str):
            return to_bytes(value)
        if isinstance(value, dict):
            return from_base64(value)
        raise refuse(value)

    def read_float(value: Any) -> float:
        if type(value) not in (int, float):
            raise refuse(value)
        return lossless(value, dtype)

    def read_bool(value: Any) -> bool:
        if not isinstance(value, bool):
            raise refuse(value)
        return value

    def read_int(value: Any) -> int:
        if type(value) is not int or value not in _RANGES[dtype]:
            raise refuse(value)
        return value

    def unknown(value: Any) -> None:
        raise _unimplemented(value, dtype)

    if dtype == tf.string:
        return read_string
    if dtype in (tf.float32, tf.float64):
        return read_float
    if dtype == tf.bool:
        return read_bool
    return read_int if dtype in _RANGES else unknown


def _unimplemented(value: Any, dtype: tf.DType) -> ServingError:
    return ServingError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"Conversion of JSON Value: {shown(value)} to type: {type_name(dtype)}",
    )


def lossless(value: float, dtype: tf.DType) -> float:
    """Returns a number that `dtype` can represent.

    Raises:
        ServingError: the number is too large, or an integer with too many digits.
    """
    single = dtype == tf.float32
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        fits = abs(value) <= (2**24 - 1 if single else 2**53 - 1)
    else:
        try:
            value = float(value)
        except OverflowError:
            raise invalid("JSON Parse error: Number too big to be stored in double.") from None
        largest = float(np.finfo(np.float32).max) if single else float("inf")
        fits = not np.isfinite(value) or abs(value) <= largest
    if not fits:
        raise invalid(
            f"Cannot convert JSON value: {shown(value)} to {type_name(dtype)} without loss of precision."
        )
    return value

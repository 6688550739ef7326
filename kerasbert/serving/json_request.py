"""Converts the bodies of `:predict` requests to arrays, with TensorFlow Serving's rules and messages."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.serving.background import Steps
from kerasbert.serving.errors import ServingError, invalid
from kerasbert.serving.json_text import shown
from kerasbert.serving.json_values import is_object, malformed, reader

_MOST_DIMENSIONS = 32
Infos = Mapping[str, Any]


def predict_inputs(document: dict[str, Any], infos: Infos) -> Steps[tuple[dict[str, np.ndarray], bool]]:
    """Returns the inputs of a `:predict` body, and whether they are in row format.

    Yields:
        None, after each row.

    Args:
        document: the body.
        infos: the `TensorInfo` of each input of the signature.

    Raises:
        ServingError: the body does not match the signature.
    """
    if "instances" in document:
        instances = document["instances"]
        if "inputs" in document:
            raise malformed(
                document,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
            )
        if not isinstance(instances, list):
            raise malformed(document, "Excepting 'instances' to be an list/array")
        if not instances:
            raise malformed(document, "No values in 'instances' array")
        return (yield from _rows(instances, infos)), True
    if "inputs" in document:
        return _columns(document["inputs"], infos), False
    raise invalid("Missing 'inputs' or 'instances' key")


def signature_name(document: dict[str, Any]) -> str:
    """Returns the requested signature name, or the empty string."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise malformed(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def count_rows(document: dict[str, Any]) -> int:
    """Returns the number of rows of a `:predict` body."""
    values = [document.get("instances"), document.get("inputs")]
    if isinstance(values[1], dict):
        values += values[1].values()
    return max((len(value) for value in values if isinstance(value, list)), default=0)


def _rows(instances: list[Any], infos: Infos) -> Steps[dict[str, np.ndarray]]:
    if not isinstance(instances[0], dict) and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as "
            "per tensorinfo_map"
        )
    objects = is_object(instances[0])
    names = sorted(infos)
    columns: dict[str, _Column] = {}
    for index, item in enumerate(instances):
        yield
        if objects and not is_object(item):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        if not objects and is_object(item):
            raise invalid(f"Expecting value/list but got object at item {index} of input list")
        key = ""
        try:
            for name, value in (item if objects else {names[0]: item}).items():
                key = f" key: {name}" if objects else ""
                if name not in infos:
                    raise invalid(f"JSON object: does not have named input: {name}")
                if name not in columns:
                    columns[name] = _Column(tf.as_dtype(infos[name].dtype), value)
                columns[name].add(value)
        except ServingError as error:
            raise invalid(
                f"Failed to process element: {index}{key} of 'instances' list. Error: "
                f"{error.code.name}: {error.message}"
            ) from None
        if objects and item.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: {shown(item)} keys "
                f"must be equal to: {','.join(names)}"
            )
    return {name: column.array([len(instances), *column.shape]) for name, column in columns.items()}


def _columns(inputs: Any, infos: Infos) -> dict[str, np.ndarray]:
    if not is_object(inputs):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as "
                "per tensorinfo_map"
            )
        inputs = {next(iter(infos)): inputs}
    arrays = {}
    for name in sorted(infos):
        if name not in inputs:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        column = _Column(tf.as_dtype(infos[name].dtype), inputs[name])
        column.add(inputs[name])
        arrays[name] = column.array(column.shape)
    return arrays


class _Column:
    """The flattened values of one input, whose elements have the same shape."""

    def __init__(self, dtype: tf.DType, first: Any):
        self.shape = _shape(first)
        self._dtype = dtype
        self._read = reader(dtype)
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        before, shape = len(self._values), _shape(value)
        self._fill(value, shape, 0)
        size = len(self._values) - before
        expected = int(np.prod(self.shape))
        if size != expected:
            raise invalid(f"Expecting tensor size: {expected} but got: {size}")
        if shape != self.shape:
            raise invalid(f"Expecting shape {_shape_text(self.shape)} but got: {_shape_text(shape)}")

    def array(self, shape: Sequence[int]) -> np.ndarray:
        """Returns all values."""
        # Protocol buffers have one field for int8 to int32: values that do not fit wrap around.
        narrow = self._dtype in (tf.int8, tf.int16, tf.uint8)
        array = np.empty(len(self._values), np.int32 if narrow else self._dtype.as_numpy_dtype)
        array[:] = self._values
        return array.astype(self._dtype.as_numpy_dtype, copy=False).reshape(shape)

    def _fill(self, value: Any, shape: Sequence[int], level: int) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise invalid(
                    f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            self._values.append(self._read(value))
            return
        if level >= len(shape):
            raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: "
                f"{shape[level]}"
            )
        if level == len(shape) - 1 and list not in set(map(type, value)):
            self._values.extend(map(self._read, value))
            return
        for item in value:
            self._fill(item, shape, level + 1)


def _shape(value: Any) -> list[int]:
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > _MOST_DIMENSIONS:
            raise invalid(f"lists may be nested {_MOST_DIMENSIONS} deep")
        value = value[0] if value else None
    return shape


def _shape_text(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"

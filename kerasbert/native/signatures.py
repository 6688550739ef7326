"""The signatures of a SavedModel, from its MetaGraphDef (tensorflow/core/protobuf/meta_graph.proto)."""

from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURES = 5  # MetaGraphDef.signature_def
_INPUTS, _OUTPUTS = 1, 2  # of a SignatureDef
_KEY, _VALUE = 1, 2  # of an entry of a map
_NAME = 1  # of a TensorInfo


@dataclass(frozen=True)
class Signature:
    """The tensors (`name:0`) of a signature by the names of inputs and outputs."""

    inputs: dict[str, str]
    outputs: dict[str, str]


def read_signatures(meta_graph: bytes) -> dict[str, Signature]:
    """Returns the signatures by name.

    Args:
        meta_graph: a serialized MetaGraphDef, as TensorFlow wrote it.
    """
    signatures = {}
    for number, entry in _fields(memoryview(meta_graph)):
        if number == _SIGNATURES:
            name, message = _entry(entry)
            tensors: dict[int, dict[str, str]] = {_INPUTS: {}, _OUTPUTS: {}}
            for part, tensor in _fields(message):
                if part in tensors:
                    key, info = _entry(tensor)
                    tensors[part][key] = str(dict(_fields(info))[_NAME], "utf-8")
            signatures[name] = Signature(tensors[_INPUTS], tensors[_OUTPUTS])
    return signatures


def _entry(message: memoryview) -> tuple[str, memoryview]:
    fields = dict(_fields(message))
    return str(fields[_KEY], "utf-8"), fields[_VALUE]


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yields number and content of the fields that have a length: strings and messages."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire = tag & 7
        if wire == 2:
            size, position = _varint(message, position)
            yield tag >> 3, message[position : position + size]
            position += size
        elif wire == 0:
            _, position = _varint(message, position)
        else:
            position += {1: 8, 5: 4}[wire]


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Returns the number at `position`, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position

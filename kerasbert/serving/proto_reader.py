"""Counts the fields of protocol buffers before parsing them.

Parsing holds the GIL until it is done, and 16 MB may contain eight million strings.
"""

import functools
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from kerasbert.serving.background import Steps
from kerasbert.serving.errors import ServingError, invalid

_STEP = 1024  # fields between two yields
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5  # wire types


def read_message(kind: Any, content: bytes, most: int) -> Steps[Any]:
    """Parses a message.

    Args:
        kind: the message class.
        content: the serialized message.
        most: maximum number of fields, nested ones included; packed numbers count as one.

    Yields:
        None, at regular intervals.

    Raises:
        ServingError: the message has too many fields, or is malformed.
    """
    try:
        yield from _count(kind.DESCRIPTOR, content, most)
        return kind.FromString(content)
    except (DecodeError, IndexError):
        raise ServingError(grpc.StatusCode.INTERNAL, "Exception deserializing request!") from None


def _count(descriptor: Any, content: bytes, most: int) -> Steps[None]:
    count, position = 0, 0
    inner_of = _inner_messages(descriptor)
    around = [(inner_of, len(content))]
    while around:
        inner_of, end = around.pop()
        while position < end:
            count += 1
            if count > most:
                raise invalid(f"the request has more than {most} fields; a request may have {most}")
            if count % _STEP == 0:
                yield
            tag, position = _varint(content, position)
            wire = tag & 7
            if wire == _LENGTH:
                size, position = _varint(content, position)
                inner = inner_of.get(tag >> 3)
                if inner is None:
                    position += size
                else:
                    around.append((inner_of, end))
                    inner_of, end = _inner_messages(inner), min(position + size, end)
            elif wire == _VARINT:
                _, position = _varint(content, position)
            elif wire in (_FIXED64, _FIXED32):
                position += 8 if wire == _FIXED64 else 4
            else:  # groups, which no message of TensorFlow Serving has
                raise DecodeError
        position = end


@functools.cache
def _inner_messages(descriptor: Any) -> dict[int, Any]:
    """Returns the fields that contain messages, by field number."""
    return {field.number: field.message_type for field in descriptor.fields if field.message_type}


def _varint(content: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise DecodeError

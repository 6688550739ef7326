"""Writes JSON text like TensorFlow Serving."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.serving.errors import LONGEST_MESSAGE

_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord(character): escape
    for character, escape in zip(
        '"\\\b\f\n\r\t', ('\\"', "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t"), strict=True
    )
}
_INDENT = 4
_encoder = json.JSONEncoder(indent=_INDENT, ensure_ascii=False)


def to_bytes(text: str) -> bytes:
    """Returns the bytes of a parsed string."""
    return text.encode("utf-8", "surrogateescape")


def quoted(text: str) -> str:
    """Returns `text` as a JSON string."""
    return f'"{text.translate(_ESCAPES)}"'


def shown(value: Any) -> str:
    """Returns a parsed value for an error message, truncated if long."""
    if isinstance(value, float):
        single = abs(value) <= float(np.finfo(np.float32).max)
        return decimals(np.array([value], np.float32 if single else np.float64))[0]
    text = ""
    try:
        for part in _encoder.iterencode(value):
            text += part
            if len(text) > LONGEST_MESSAGE:
                break
    except RecursionError:
        return "(deeply nested)"
    return text.encode("utf-8", "replace").decode("utf-8", "replace")


def decimals(values: np.ndarray) -> list[str]:
    """Returns floats as text: six digits if they round-trip, else all digits.

    Args:
        values: float32 or float64, any shape.
    """
    flat = values.ravel()
    numbers = flat.tolist()
    texts = [f"{number:g}" for number in numbers]
    digits = 9 if values.dtype == np.float32 else 17
    back = np.array([float(text) for text in texts], np.float64).astype(values.dtype)
    for index in np.flatnonzero((back != flat) & np.isfinite(flat)).tolist():
        texts[index] = f"{numbers[index]:.{digits}g}"
    finished = [text if "." in text or "e" in text else f"{text}.0" for text in texts]
    for index in np.flatnonzero(~np.isfinite(flat)).tolist():
        finished[index] = {"n": "NaN", "i": "Infinity", "-": "-Infinity"}[texts[index][0]]
    return finished


def in_one_line(texts: Sequence[str], shape: Sequence[int], count: int = 1) -> list[str]:
    """Returns `count` arrays of `shape`, each on one line."""
    return _nested(texts, shape, count, lambda items, _: f"[{', '.join(items)}]")


def in_lines(texts: Sequence[str], shape: Sequence[int], depth: int) -> str:
    """Returns one array with each element on its own line.

    Args:
        texts: the elements.
        shape: the shape of the array; `[]` for a bare element.
        depth: the nesting depth.
    """

    def lines(items: Sequence[str], level: int) -> str:
        if not items:
            return "[]"
        inner = "\n" + " " * _INDENT * (depth + level + 1)
        return f"[{inner}{f',{inner}'.join(items)}\n{' ' * _INDENT * (depth + level)}]"

    return _nested(texts, shape, 1, lines)[0]


def _nested(texts: Sequence[str], shape: Sequence[int], count: int, join: Any) -> list[str]:
    groups = list(texts)
    for level in reversed(range(len(shape))):
        size, number = shape[level], count * math.prod(shape[:level])
        groups = [join(groups[index * size : (index + 1) * size], level) for index in range(number)]
    return groups

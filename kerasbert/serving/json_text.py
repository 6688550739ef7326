"""JSON text as TensorFlow Serving's RapidJSON reads and writes it."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.serving.errors import invalid

_BLANKS = " \t\n\r"
_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord(character): escape
    for character, escape in zip(
        '"\\\b\f\n\r\t', ('\\"', "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t"), strict=True
    )
}
_INDENT = 4
# The reasons of Python's decoder, in RapidJSON's words.
_REASONS = (
    ("Expecting value", "Invalid value."),
    ("Expecting property name", "Missing a name for object member."),
    ("Illegal trailing comma", "Missing a name for object member."),
    ("Expecting ':'", "Missing a colon after a name of object member."),
    ("Expecting ','", "Missing a comma or a closing bracket after an element."),
    ("Unterminated string", "Missing a closing quotation mark in string."),
    ("Invalid control character", "Invalid encoding in string."),
    ("Invalid \\u", "Incorrect hex digit after \\u escape in string."),
    ("Invalid \\", "Invalid escape character in string."),
)
_decoder = json.JSONDecoder()


def parse_object(body: bytes) -> dict[str, Any]:
    """Returns the JSON object at the start of `body`; what follows it is ignored.

    Bytes that are not UTF-8 are kept, as surrogates: `to_bytes` gives them back.

    Raises:
        ServingError: there is no object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    start = len(text) - len(text.lstrip(_BLANKS))
    if start == len(text):
        raise invalid(f"JSON Parse error: The document is empty. at offset: {start}")
    try:
        value, _ = _decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        reason = next((ours for theirs, ours in _REASONS if error.msg.startswith(theirs)), error.msg)
        offset = len(text[: error.pos].encode("utf-8", "surrogateescape"))
        raise invalid(f"JSON Parse error: {reason} at offset: {offset}") from None
    except RecursionError:
        raise invalid("JSON Parse error: too many nested lists or objects.") from None
    except ValueError:  # an integer of thousands of digits
        raise invalid("JSON Parse error: Number too big to be stored in double.") from None
    if not isinstance(value, dict):
        raise invalid(f"JSON Value: {shown(value)} Is not object")
    if b"\\ud" in body or b"\\uD" in body:
        _require_whole_pairs(value)
    return value


def to_bytes(text: str) -> bytes:
    """Returns the bytes of a parsed string."""
    return text.encode("utf-8", "surrogateescape")


def _require_whole_pairs(value: Any) -> None:
    try:
        to_bytes(json.dumps(value, ensure_ascii=False))
    except UnicodeEncodeError:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from None


def quoted(text: str) -> str:
    """Returns `text` as a JSON string."""
    return f'"{text.translate(_ESCAPES)}"'


def shown(value: Any) -> str:
    """Returns a parsed value as an error message shows it."""
    if isinstance(value, float):
        single = abs(value) <= float(np.finfo(np.float32).max)
        return decimals(np.array([value], np.float32 if single else np.float64))[0]
    try:
        text = json.dumps(value, indent=_INDENT, ensure_ascii=False)
    except RecursionError:
        return "(deeply nested)"
    return text.encode("utf-8", "replace").decode("utf-8", "replace")


def decimals(values: np.ndarray) -> list[str]:
    """Returns floats as text: six digits where they give the same number back, else all of them.

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
    """Returns `count` arrays of `shape`, each in one line."""
    return _nested(texts, shape, count, lambda items, _: f"[{', '.join(items)}]")


def in_lines(texts: Sequence[str], shape: Sequence[int], depth: int) -> str:
    """Returns one array with each element on a line of its own.

    Args:
        texts: the elements.
        shape: of the array; `[]` for a bare element.
        depth: how many arrays and objects are open around it.
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

"""Parses JSON bodies like TensorFlow Serving's RapidJSON, in steps and within limits.

Python's own decoder holds the GIL until the last byte, and has no limits.
"""

import json
import re
from typing import Any

from kerasbert.serving.background import Steps
from kerasbert.serving.errors import ServingError, invalid
from kerasbert.serving.json_numbers import parse_error, read_number
from kerasbert.serving.json_strings import read_string
from kerasbert.serving.json_text import shown
from kerasbert.serving.settings import VALUES_OF_A_FIELD, Settings

_MARK = re.compile(rb"\xef?+\xbb?+\xbf?+")  # RapidJSON skips even a partial byte order mark
_BLANKS = re.compile(rb"[ \t\n\r]*+")
_SIMPLE = re.compile(rb'"([^"\\\x00-\x1f]*+)"|(-?+[1-9][0-9]{0,17}+|0)(?![0-9.eE])')
# Values that Python's decoder reads like RapidJSON: floats of up to 15 digits are exact in both.
_NUMBER = rb"-?+(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}+(?![0-9.eE])|(?:0|-?+[1-9][0-9]{0,17}+)(?![0-9.eE])"
_PLAIN = rb'%b|"[^"\\\x00-\x1f]{0,4096}+"|\[(?:(?:%b)(?:,\ ?+(?:%b)){0,511})?\]|\{\}|true|false|null' % (
    (_NUMBER,) * 3
)
_RUN = re.compile(rb"(?:(?:%b)[ \t\n\r]*+,[ \t\n\r]*+){8,64}" % _PLAIN)
_WORDS = {ord("t"): (b"true", True), ord("f"): (b"false", False), ord("n"): (b"null", None)}
_ROWS = ("instances", "inputs", "examples")  # top-level keys whose arrays hold rows
_STEP = 4096  # increase of the count between two yields
_OPENED = object()


def read_object(body: bytes, settings: Settings) -> Steps[dict[str, Any]]:
    """Parses the JSON object at the start of `body`; anything after it is ignored.

    Of duplicate keys the first wins, or the last within `examples` and `context`, as in TensorFlow Serving.
    Bytes that are not UTF-8 become surrogates, which `to_bytes` reverts.

    Yields:
        None, at regular intervals.

    Raises:
        ServingError: the body is not an object, or has more rows or values than the server accepts.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    start = _BLANKS.match(body, _MARK.match(body).end()).end()  # type: ignore[union-attr]
    if body[start : start + 1] in (b"", b"\0", b"}", b"]", b",", b":"):
        raise parse_error("The document is empty.", start)
    document = yield from _Reader(body, settings).read(start)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


class _Reader:
    """Parses one value without recursion, so that any nesting depth is possible."""

    def __init__(self, body: bytes, settings: Settings):
        self._body = body
        self._most_rows = settings.max_rows
        self._most_values, self._most_fields = settings.max_values, settings.max_fields
        self._most_text = 6 * settings.max_text  # bytes, each as an escape
        self._count = 0

    def read(self, position: int) -> Steps[Any]:
        """Returns the value at `position`."""
        # The enclosing containers, their keys, and whether they hold rows.
        stack: list[tuple[Any, Any, bool]] = []
        container: Any = None
        key: Any = None
        holds_rows = False
        look = _STEP
        while True:
            if isinstance(container, list):
                position = self._plain_run(position, container)
                if holds_rows and len(container) > self._most_rows:
                    raise self._too_many_rows()
            self._count += VALUES_OF_A_FIELD
            if self._count > self._most_values:
                raise self._too_many_values()
            if self._count >= look:
                look = self._count + _STEP
                yield
            value, position = self._value(position)
            if value is _OPENED:
                opened: Any = [] if self._body[position] == ord("[") else {}
                rows = self._are_rows(stack, container, key)
                position = self._skip_blanks(position + 1)
                if self._at(position) != (b"]" if isinstance(opened, list) else b"}"):
                    stack.append((container, key, holds_rows))
                    container, holds_rows = opened, rows and isinstance(opened, list)
                    if isinstance(opened, dict):
                        key, position = self._key(position)
                    continue
                value, position = opened, position + 1
            while True:  # the value is complete: add it to its container
                if container is None:
                    return value
                position = self._skip_blanks(position)
                mark = self._at(position)
                if isinstance(container, list):
                    container.append(value)
                    if holds_rows and len(container) > self._most_rows:
                        raise self._too_many_rows()
                    if mark == b",":
                        position = self._skip_blanks(position + 1)
                        break
                    if mark != b"]":
                        raise parse_error("Missing a comma or ']' after an array element.", position)
                else:
                    if key not in container or self._last_counts(stack, key):
                        container[key] = value
                    if mark == b",":
                        key, position = self._key(self._skip_blanks(position + 1))
                        break
                    if mark != b"}":
                        raise parse_error("Missing a comma or '}' after an object member.", position)
                value, position = container, position + 1
                container, key, holds_rows = stack.pop()

    def _value(self, position: int) -> tuple[Any, int]:
        match = _SIMPLE.match(self._body, position)
        if match:
            if match[2]:
                return int(match[2]), match.end()
            text = match[1]
            if len(text) > self._most_text:
                raise self._too_long(len(text))
            return text.decode("utf-8", "surrogateescape"), match.end()
        first = self._body[position] if position < len(self._body) else 0
        if first in b"{[":
            return _OPENED, position
        if first == ord('"'):
            return self._string(position)
        if first in _WORDS:
            return self._word(position, *_WORDS[first])
        return read_number(self._body, position)

    def _plain_run(self, position: int, values: list[Any]) -> int:
        """Reads a run of simple list elements at once, if any; returns where the next element starts."""
        run = _RUN.match(self._body, position)
        if run is None:
            return position
        plain = json.loads(f"[{run[0].decode('utf-8', 'surrogateescape').rstrip()[:-1]}]")
        self._count += len(plain) + sum(
            VALUES_OF_A_FIELD + len(value) for value in plain if isinstance(value, list | dict)
        )
        values += plain
        return run.end()

    def _string(self, position: int) -> tuple[str, int]:
        content, end = read_string(self._body, position)
        if end - position > self._most_text:
            raise self._too_long(end - position)
        return content.decode("utf-8", "surrogateescape"), end

    def _word(self, position: int, word: bytes, value: bool | None) -> tuple[bool | None, int]:
        for offset, letter in enumerate(word):
            if self._at(position + offset) != bytes([letter]):
                raise parse_error("Invalid value.", position + offset)
        return value, position + len(word)

    def _key(self, position: int) -> tuple[str, int]:
        """Reads a name and its colon; returns where the value starts."""
        if self._at(position) != b'"':
            raise parse_error("Missing a name for object member.", position)
        key, position = self._string(position)
        position = self._skip_blanks(position)
        if self._at(position) != b":":
            raise parse_error("Missing a colon after a name of object member.", position)
        return key, self._skip_blanks(position + 1)

    def _at(self, position: int) -> bytes:
        return self._body[position : position + 1]

    def _skip_blanks(self, position: int) -> int:
        return _BLANKS.match(self._body, position).end()  # type: ignore[union-attr]  # always

    def _are_rows(self, stack: list[Any], container: Any, key: Any) -> bool:
        """Whether an array in `container` would hold rows."""
        if not isinstance(container, dict):
            return False
        if len(stack) == 1:
            return key in _ROWS
        return len(stack) == 2 and stack[1][1] == "inputs"

    def _last_counts(self, stack: list[Any], key: Any) -> bool:
        return len(stack) > 1 and stack[1][1] in ("examples", "context")

    def _too_many_rows(self) -> ServingError:
        return invalid(f"the body has more than {self._most_rows} rows; a request may have {self._most_rows}")

    def _too_many_values(self) -> ServingError:
        return invalid(
            f"the body has more values than this server accepts: {self._most_values} plain ones in long "
            f"lists, {self._most_fields} others"
        )

    def _too_long(self, size: int) -> ServingError:
        return invalid(f"the body has a string of {size} bytes; this server accepts {self._most_text // 6}")

"""Parses JSON strings like RapidJSON: any bytes, and lone surrogates where it accepts them."""

import re
from json.decoder import scanstring  # type: ignore[attr-defined]

from kerasbert.serving.errors import ServingError
from kerasbert.serving.json_numbers import parse_error

# In pieces: each repetition of a group takes memory, and Python 3.11.2 mismatches possessive groups.
_GOOD = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,4096}')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"(%b%b)|(%b)|\\u[0-9a-fA-F]{4}|\\." % (_HIGH, _LOW, _HIGH), re.DOTALL)


def read_string(body: bytes, start: int) -> tuple[bytes, int]:
    """Returns the content of the string whose opening quote is at `start`, and where it ends.

    Raises:
        ServingError: the string is malformed; the message is RapidJSON's.
    """
    end = start + 1
    while match := _GOOD.match(body, end):
        end = match.end()
    content = raw = body[start + 1 : end]
    if b"\\" in raw:
        content = _unescaped(body, raw, start + 1)
    if body[end : end + 1] != b'"':
        raise _wrong(body, end)
    return content, end + 1


def _unescaped(body: bytes, raw: bytes, offset: int) -> bytes:
    if not _SURROGATE.search(raw):
        text = raw.decode("utf-8", "surrogateescape")
        return scanstring(text + '"', 0)[0].encode("utf-8", "surrogateescape")

    def replace(match: re.Match[bytes]) -> bytes:
        if match[2]:
            start, end = offset + match.start(), offset + match.end()
            if body[end : end + 2] == b"\\u" and not _HEX.match(body, end + 2):
                raise parse_error("Incorrect hex digit after \\u escape in string.", start)
            raise parse_error("The surrogate pair in string is invalid.", start)
        return scanstring(match[0].decode() + '"', 0)[0].encode("utf-8", "surrogatepass")

    return _ESCAPE.sub(replace, raw)


def _wrong(body: bytes, position: int) -> ServingError:
    """Returns the error of the byte at which a string is malformed."""
    if body[position : position + 1] in (b"", b"\0"):
        return parse_error("Missing a closing quotation mark in string.", position)
    if body[position : position + 2] == b"\\u":
        return parse_error("Incorrect hex digit after \\u escape in string.", position)
    return parse_error("Invalid escape character in string.", position)

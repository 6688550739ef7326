"""Strict decoding: a file in the wrong encoding is an error that names the likely one."""

import codecs
import contextlib
import io
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from kerasbert.errors import DataError

# Takes an encoding and returns advice on how to read a file in it.
Advise = Callable[[str], str]
Open = Callable[[], IO[bytes]]

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_SHOWN = 3
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def convert_first(encoding: str) -> str:
    """Returns the advice of a reader that accepts UTF-8 only."""
    return f"Convert it: iconv -f {encoding} -t utf-8."


def codec_name(encoding: str, setting: str) -> str:
    """Returns Python's name of an encoding; `setting` names its origin in the error message."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)  # rejects codecs that do not encode text
    except (LookupError, UnicodeError) as error:
        raise DataError(f"{setting}: unknown encoding. Received: {encoding!r}") from error
    return "utf-8" if name == "utf-8-sig" else name


def read_text(path: str | Path) -> str:
    """Returns the text of a small UTF-8 file without its byte-order mark; line endings are kept.

    Raises:
        DataError: the file is not UTF-8.
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    require_encoding(lambda: io.BytesIO(content), str(path), "utf-8", convert_first)
    return content.decode("utf-8-sig")


def require_encoding(open_file: Open, name: str, encoding: str, advise: Advise) -> str:
    """Reads the whole file, and raises `DataError` unless it is text in `encoding`.

    Args:
        open_file: opens the file from the start.
        name: the file's name, for the message.
        encoding: a name from `codec_name`.
        advise: returns advice on how to read a file in the encoding that was detected.

    Returns:
        `encoding`, or `utf-8` if the file clearly is UTF-8: such bytes decode in most other encodings too,
        but text in another encoding is almost never valid UTF-8.
    """
    if encoding != "utf-8" and _decodes(open_file, "utf-8", _is_plainly_utf_8):
        return "utf-8"
    if not _decodes(open_file, encoding):
        raise DataError(_describe_fault(open_file, name, encoding, advise))
    return encoding


def guess_encoding(content: bytes) -> str | None:
    """Returns an encoding other than UTF-8 that decodes all of `content` to text, or None."""
    return _guess_encoding(lambda: io.BytesIO(content))


def _guess_encoding(open_file: Open) -> str | None:
    with open_file() as file:
        sample = file.read(_SAMPLE)
    marked = _encoding_of_mark(sample)
    if marked:
        return marked if _decodes(open_file, marked) else None
    if b"\0" in sample:
        # The upper byte of a Latin letter is zero.
        end = "le" if sample[1::2].count(0) > sample[::2].count(0) else "be"
        for encoding in (f"utf-32-{end}", f"utf-16-{end}"):
            if _decodes(open_file, encoding) and _is_wide_text(sample, encoding):
                return encoding
        return None
    if _is_mixed(sample):
        return None
    return next((encoding for encoding in _chinese(sample) if _decodes(open_file, encoding)), None)


def _encoding_of_mark(content: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)


def _decodes(open_file: Open, encoding: str, wanted: Callable[[str], bool] | None = None) -> bool:
    """Whether the whole file decodes to text, with at least one block for which `wanted` is true."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    found = wanted is None
    with open_file() as file:
        while True:
            block = file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError:
                return False
            if "\0" in text:
                return False
            found = found or (wanted is not None and wanted(text))
            if not block:
                return found


def _is_wide_text(sample: bytes, encoding: str) -> bool:
    """Whether bytes that decode as UTF-16 or UTF-32 are more than ASCII with a few NUL bytes."""
    characters = set(sample.decode(encoding, "ignore"))
    if any(unicodedata.category(c) in ("Cn", "Co") or (c < " " and c not in "\t\r\n") for c in characters):
        return False
    return max(sample) >= 0x80 or sample.count(0) > 0.4 * len(sample)


def _is_plainly_utf_8(text: str) -> bool:
    """Whether text decoded from UTF-8 contains three-byte characters, such as Chinese ones."""
    return max(text, default="") >= "\u0800"


def _is_mixed(sample: bytes) -> bool:
    """Whether a substantial share of the lines, but not all of them, are UTF-8."""
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    decoded = (line.decode() for line in lines if _is_utf_8(line))
    return 10 * sum(map(_is_plainly_utf_8, decoded)) > len(lines)


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _chinese(sample: bytes) -> list[str]:
    """Returns the Chinese encodings that a sample may be in, the most likely first.

    Big5 bytes nearly always decode as GB18030, and short GB18030 text often decodes as Big5. The ranges of
    the frequent characters tell them apart: level 1 of GB2312 and of Big5.
    """
    in_gb = in_big5 = pairs = 0
    place = 0
    while place + 1 < len(sample):
        lead, trail = sample[place], sample[place + 1]
        if lead < 0x80:
            place += 1
            continue
        place += 2
        if lead >= 0xA4:  # punctuation and rare characters are below
            pairs += 1
            in_gb += 0xB0 <= lead <= 0xD7 and trail >= 0xA1
            in_big5 += lead <= 0xC6
    if pairs and max(in_gb, in_big5) < 0.3 * pairs:  # UTF-8 with a few bad bytes, or not Chinese
        return []
    big5 = ["big5", "cp950", "big5hkscs"]
    return [*big5, "gb18030"] if in_big5 > in_gb else ["gb18030", *big5]


def _describe_fault(open_file: Open, name: str, encoding: str, advise: Advise) -> str:
    what = "UTF-8" if encoding == "utf-8" else encoding
    other = _guess_encoding(open_file)
    if other is None and encoding != "utf-8" and _decodes(open_file, "utf-8"):
        other = "utf-8"
    if other is not None and other != encoding:
        return f"{name}: is not {what}. It reads as {other}. {advise(other)}"
    if not _ends_lines_in_a_byte(encoding):
        return f"{name}: is not {what}. Save the file as UTF-8."
    bad, count = _bad_lines(open_file, encoding)
    if any("\\x00" in line for _, line in bad):
        return f"{name}: is not text: it holds NUL bytes, first in line {bad[0][0]}. Name a text file."
    shown = "; ".join(f"line {number}: {line}" for number, line in bad)
    more = f" and {count - len(bad)} more" if count > len(bad) else ""
    return f"{name}: is not {what} ({shown}{more}). Correct these lines, or save the file as UTF-8."


def _ends_lines_in_a_byte(encoding: str) -> bool:
    """Whether a newline is a single byte; it is not in UTF-16 and UTF-32."""
    return "\n".encode(encoding) == b"\n"


def _bad_lines(open_file: Open, encoding: str) -> tuple[list[tuple[int, str]], int]:
    """Returns the first undecodable lines with their numbers, and the count of all of them."""
    bad: list[tuple[int, str]] = []
    count = 0
    with open_file() as file:
        for number, raw in enumerate(file, 1):
            fault = _fault(raw, encoding)
            if fault is not None:
                count += 1
                if len(bad) < _SHOWN:
                    bad.append((number, fault))
    return bad, count


def _fault(raw: bytes, encoding: str) -> str | None:
    """Returns the context of the first byte that is not text, or None."""
    try:
        raw.decode(encoding)
        place = raw.find(b"\0")
    except UnicodeError as error:
        place = getattr(error, "start", 0)
    if place < 0:
        return None
    part = raw[max(place - 12, 0) : place + 12].rstrip(b"\r\n")
    return "'" + part.decode("utf-8", "backslashreplace").replace("\0", "\\x00") + "'"


def decoded_lines(file: IO[bytes], encoding: str, newline: str = "\n") -> Iterator[str]:
    """Yields the lines of a file that is known to be valid in `encoding`; does not close it."""
    text = io.TextIOWrapper(file, encoding=encoding, newline=newline)
    try:
        yield from text
    finally:
        with contextlib.suppress(ValueError):  # closed in the meantime
            text.detach()


def strict_lines(file: IO[bytes], name: str, encoding: str, advise: Advise) -> Iterator[str]:
    """Yields the lines, with their endings, of a stream that can be read only once.

    Raises:
        DataError: a line is not text in `encoding`.
    """
    if not _ends_lines_in_a_byte(encoding):
        yield from decoded_lines(file, encoding)
        return
    for number, raw in enumerate(file, 1):
        fault = _fault(raw, encoding)
        if fault is not None:
            other = _encoding_of_mark(raw) if number == 1 else None
            other = other or guess_encoding(raw)
            hint = f"It reads as {other}. {advise(other)}" if other else "Correct the line."
            what = "holds a NUL byte" if "\\x00" in fault else f"is not {encoding.upper()}"
            raise DataError(f"{name}:{number}: {what} ({fault}). {hint}")
        yield raw.decode(encoding)

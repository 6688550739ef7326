"""Reading raw text as documents of sentences, at constant memory."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kerasbert.errors import DataError
from kerasbert.files import explain_read_errors, open_bytes

# A longer document is read as several: memory stays bounded.
_LONGEST = 1000  # sentences
_LONGEST_LINE = 1 << 20  # bytes
# Up to and with its end marks and the quotes and brackets they close, or up to a line break.
_SENTENCE = re.compile(r"[^。！？；!?\n]*[。！？；!?]+[”’」』）)]*|[^。！？；!?\n]+")


@dataclass(frozen=True, slots=True)
class Document:
    """Sentences that follow one another.

    The key is unique and sorts in the order of reading; after its last dash it is a digest of the text.
    """

    key: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is not text: `reason` says why."""

    key: str
    file: str
    line: int
    reason: str
    start: str  # of the line


def read_documents(path: str | Path, place: int, text_field: str = "text") -> Iterator[Document | Unreadable]:
    """Yields what is in a file: one sentence a line and an empty line between documents, or JSONL.

    Args:
        path: of a `.txt` or `.jsonl` file, also `.gz`. In JSONL each line is a document, whose
            sentences end at line breaks and at 。！？；!?
        place: of the file among all files; it makes the keys unique.
        text_field: of the JSON objects.

    Raises:
        DataError: the file is missing, cut short or of an unknown format.
    """
    path = Path(path)
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in (".txt", ".jsonl"):
        raise DataError(f"{path}: unknown format. Expected .txt or .jsonl, also with .gz.")
    with explain_read_errors(path), open_bytes(path) as file:
        items = _jsonl(file, text_field) if suffix == ".jsonl" else _text(file)
        for number, (line, item) in enumerate(items):
            key = f"{place:05d}-{number:010d}"
            if isinstance(item, _Fault):
                yield Unreadable(key, str(path), line, item.reason, item.start)
            else:
                digest = hashlib.blake2b("\n".join(item).encode(), digest_size=8).hexdigest()
                yield Document(f"{key}-{digest}", tuple(item))


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str
    start: str


def _text(file: IO[bytes]) -> Iterator[tuple[int, list[str] | _Fault]]:
    sentences: list[str] = []
    line = 0
    for line, content in _lines(file):
        if isinstance(content, _Fault):
            yield line, content
        elif content:
            sentences.append(content)
        if sentences and (not content or len(sentences) == _LONGEST):
            yield line, sentences
            sentences = []
    if sentences:
        yield line, sentences


def _jsonl(file: IO[bytes], text_field: str) -> Iterator[tuple[int, list[str] | _Fault]]:
    for line, content in _lines(file):
        if isinstance(content, _Fault):
            yield line, content
            continue
        if not content:
            continue
        try:
            record = json.loads(content)
        except (ValueError, RecursionError):
            yield line, _Fault("is not JSON", content[:80])
            continue
        text = record.get(text_field) if isinstance(record, dict) else None
        if not isinstance(text, str):
            yield line, _Fault(f"has no text in {text_field!r}", content[:80])
            continue
        # JSON can name half a surrogate pair, which is no character.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        sentences = [part.strip() for part in _SENTENCE.findall(text)]
        sentences = [part for part in sentences if part]
        for start in range(0, len(sentences), _LONGEST):
            yield line, sentences[start : start + _LONGEST]


def _lines(file: IO[bytes]) -> Iterator[tuple[int, str | _Fault]]:
    number = 0
    while raw := file.readline(_LONGEST_LINE):
        number += 1
        if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
            while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, _Fault("is longer than a MiB", raw[:80].decode("utf-8", "replace"))
            continue
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            yield number, _Fault("is not UTF-8", raw[:80].decode("utf-8", "replace"))

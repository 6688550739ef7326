"""Reads raw text as documents of sentences in constant memory."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kerasbert.data.columns import Columns, Settings
from kerasbert.data.formats import Cells, read_cells
from kerasbert.data.read import replace_lone_surrogates
from kerasbert.data.source import FORMATS, Source
from kerasbert.errors import DataError

# Longer documents are split to bound the memory.
_LONGEST = 1000  # sentences
_LONGEST_LINE = 1_000_000  # characters
_OPTIONS = Settings(text="--text-field", encoding="--encoding", verb="Add", assign=" ")
FIXED = Settings(text=None, encoding=None)
# Ends after its final punctuation and closing quotes or brackets, or at a line break.
_SENTENCE = re.compile(r"[^。！？；!?\n]*[。！？；!?]+[”’」』）)]*|[^。！？；!?\n]+")


@dataclass(frozen=True, slots=True)
class Document:
    """Consecutive sentences.

    The key is unique, sorts in reading order, and ends with a dash and a digest of the text.
    """

    key: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that could not be read, with the reason."""

    key: str
    file: str
    line: int
    reason: str
    start: str  # of the line


def read_documents(
    path: str | Path,
    place: int,
    text_field: str = "text",
    encoding: str = "utf-8",
    settings: Settings = _OPTIONS,
) -> Iterator[Document | Unreadable]:
    """Yields the documents of a text file or a table.

    Args:
        path: a text file with one sentence a line and an empty line between documents; or JSON lines, CSV,
            TSV, Parquet or a workbook with one document a row, whose sentences end at line breaks and at
            。！？；!? Text may be gzipped.
        place: index of the file among all files, which makes the keys unique.
        text_field: name of the text column in a table.
        encoding: encoding of text files.
        settings: what messages call these two; `FIXED` if they cannot be set.

    Raises:
        DataError: the file is missing, truncated, of an unknown format or in another encoding.
    """
    source = Source(path, encoding, settings=settings)
    if source.is_stdin:
        raise DataError("standard input: is not supported. Use a file, which can be read again.")
    with source.open() as file:
        form = source.format_of(file)
        if form not in (".txt", *FORMATS):
            known = " ".join((".txt", *FORMATS))
            raise DataError(f"{path}: unknown format. Expected one of {known}, text also with .gz.")
        if form == ".txt":
            items = _text(_lines(source.lines(file)))
        elif form in (".jsonl", ".ndjson"):
            items = _jsonl(_lines(source.lines(file)), text_field)
        else:
            items = _table(read_cells(source, file, form, Columns(text_field, None, settings=settings)))
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


_Lines = Iterator[tuple[int, str | _Fault]]


def _text(lines: _Lines) -> Iterator[tuple[int, list[str] | _Fault]]:
    sentences: list[str] = []
    line = 0
    for line, content in lines:
        if isinstance(content, _Fault):
            yield line, content
        elif content:
            sentences.append(content)
        if sentences and (not content or len(sentences) == _LONGEST):
            yield line, sentences
            sentences = []
    if sentences:
        yield line, sentences


def _jsonl(lines: _Lines, text_field: str) -> Iterator[tuple[int, list[str] | _Fault]]:
    for line, content in lines:
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
        yield from _documents(line, text)


def _table(rows: Iterator[Cells]) -> Iterator[tuple[int, list[str] | _Fault]]:
    for line, (text,) in rows:
        if isinstance(text, str):
            yield from _documents(line, text)
        elif text is not None:
            yield line, _Fault("has no text", str(text)[:80])


def _documents(line: int, text: str) -> Iterator[tuple[int, list[str]]]:
    sentences = [part.strip() for part in _SENTENCE.findall(replace_lone_surrogates(text))]
    sentences = [part for part in sentences if part]
    for start in range(0, len(sentences), _LONGEST):
        yield line, sentences[start : start + _LONGEST]


def _lines(lines: Iterator[str]) -> _Lines:
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_LINE:
            yield number, _Fault("is longer than a million characters", line[:80])
        else:
            yield number, line.strip()

"""Reading raw text as documents of sentences, at constant memory."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kerasbert.data.columns import Columns, Settings
from kerasbert.data.formats import Cells, read_cells
from kerasbert.data.read import whole_characters
from kerasbert.data.source import FORMATS, Source
from kerasbert.errors import DataError

# A longer document is read as several: memory stays bounded.
_LONGEST = 1000  # sentences
_LONGEST_LINE = 1_000_000  # characters
_OPTIONS = Settings(text="--text-field", encoding="--encoding", verb="Add", assign=" ")
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


def read_documents(
    path: str | Path, place: int, text_field: str = "text", encoding: str = "utf-8"
) -> Iterator[Document | Unreadable]:
    """Yields what is in a file of text or a table.

    Args:
        path: of lines, one sentence each, with an empty line between documents; or of JSON lines, CSV, TSV,
            Parquet or a workbook, where each row is a document whose sentences end at line breaks and at
            。！？；!? Text may be gzipped.
        place: of the file among all files; it makes the keys unique.
        text_field: the column of the text in a table.
        encoding: of text.

    Raises:
        DataError: the file is missing, cut short, of an unknown format or in another encoding.
    """
    source = Source(path, encoding, settings=_OPTIONS)
    if source.is_stdin:
        raise DataError("standard input: is not read. Name a file, which can be read again.")
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
            items = _table(read_cells(source, file, form, Columns(text_field, None, settings=_OPTIONS)))
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
    sentences = [part.strip() for part in _SENTENCE.findall(whole_characters(text))]
    sentences = [part for part in sentences if part]
    for start in range(0, len(sentences), _LONGEST):
        yield line, sentences[start : start + _LONGEST]


def _lines(lines: Iterator[str]) -> _Lines:
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_LINE:
            yield number, _Fault("is longer than a million characters", line[:80])
        else:
            yield number, line.strip()

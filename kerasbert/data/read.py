"""Reads rows from files and standard input in constant memory."""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasbert.data.columns import Columns
from kerasbert.data.formats import Cells, read_cells
from kerasbert.data.several_labels import labels_in_cell
from kerasbert.data.source import FORMATS, Source
from kerasbert.data.table import Table
from kerasbert.errors import DataError, excerpt

# Marks a character that an earlier conversion lost.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_INDENTED = 100  # maximum lines of the first object of indented JSON


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data file. `labels` has one entry, or any number of entries in a multi-label task.

    `cells` are those of all columns by name, if the row is of a table that is read with `Columns.whole`.
    """

    text: str
    labels: tuple[str, ...]
    pair: str | None
    file: str
    line: int
    cells: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


def read_rows(path: str | Path | Table, columns: Columns) -> Iterator[Row]:
    """Yields the rows of a file or an in-memory table in order, including blank ones.

    CSV, TSV, JSON lines, a JSON array, Parquet and Excel workbooks are tables. A file with another suffix
    has one text a line, or two separated by a tab; with a label column or `columns.table` it is a table
    whose format is detected from its first line.

    Args:
        path: a file, or `-` for standard input. Text may be gzipped.
        columns: the columns to read.

    Raises:
        DataError: the file is missing, lacks a column, is malformed or is not text in the encoding. A file
            in another encoding is rejected before its first row.
    """
    if isinstance(path, Table):
        yield from _rows(path.cells(columns), path.name, columns)
        return
    source = Source(path, columns.encoding, columns.stream_encoding, columns.settings)
    with source.open() as file:
        form = source.format_of(file)
        if form not in FORMATS:
            if columns.label is not None and not source.is_stream and not columns.table:
                raise DataError(
                    f"{path}: unknown format. Expected one of {' '.join(FORMATS)}, text also with .gz. "
                    f"Received: {Path(path).name!r}"
                )
            form = ""
        if form == "" and columns.label is None and not columns.table:
            yield from _texts(source.lines(file), source, columns)
            return
        yield from _rows(read_cells(source, file, form, columns), source.name, columns)


def _rows(table: Iterable[Cells], name: str, columns: Columns) -> Iterator[Row]:
    names = list(columns.wanted)
    of_label, of_pair = (names.index(what) if what in names else None for what in ("label", "pair"))
    count = 0
    for line, cells in table:
        count += 1
        place = f"{name}:{line}"
        yield Row(
            cell_text(cells[0], columns.text, place),
            () if of_label is None else labels_of_cell(cells[of_label], columns, place),
            None if of_pair is None else cell_text(cells[of_pair], columns.pair or "", place),
            name,
            line,
            cells[-1] if columns.whole else None,
        )
    if not count:
        raise DataError(f"{name}: holds no rows.")


def row_of_line(line: str, columns: Columns, file: str, number: int) -> Row:
    """Returns a line of text as a row.

    Raises:
        DataError: a pair is wanted, but the line is not two texts separated by a tab.
    """
    if columns.pair is None:
        return Row(line, (), None, file, number)
    text, tab, pair = line.partition("\t")
    if not tab:
        raise DataError(f"{file}:{number}: this model takes pairs: two texts separated by a tab.")
    return Row(text, (), pair, file, number)


def _texts(lines: Iterator[str], source: Source, columns: Columns) -> Iterator[Row]:
    start = list(itertools.islice(lines, 1))
    if start and start[0].strip() in ("[", "{", "[{"):  # perhaps JSON with an indent
        start += itertools.islice(lines, _INDENTED)
    if _is_json("".join(start), columns):
        remedy = (
            columns.settings.advise((columns.settings.text, columns.text))
            if source.is_stdin and columns.settings.text
            else "Rename it to .jsonl or .json."
        )
        raise DataError(f"{source.name}: contains JSON rather than lines of text. {remedy}")
    for number, line in enumerate(itertools.chain(start, lines), 1):
        yield row_of_line(line.rstrip("\r\n"), columns, source.name, number)


def _is_json(start: str, columns: Columns) -> bool:
    """Whether `start` is almost certainly the beginning of JSON rows."""
    content = start.strip().removeprefix("[").lstrip()
    try:
        record, end = json.JSONDecoder().raw_decode(content)
    except (ValueError, RecursionError):
        return False
    ends_well = content[end:].lstrip()[:1] in ("", ",", "]", "{")
    return ends_well and isinstance(record, dict) and columns.text in record


def labels_of_cell(value: Any, columns: Columns, place: str) -> tuple[str, ...]:
    """Returns the labels of a cell, mapped by `columns.label_map`; `place` is for messages."""
    name = columns.label or ""
    if isinstance(value, list) and columns.label_separator is None:
        if len(value) < 2 and not any(isinstance(item, list | dict) for item in value):  # as of doccano
            return labels_of_cell(value[0] if value else None, columns, place)
        raise DataError(
            f"{place}: {name!r} holds a list, but one label is expected. Received: {excerpt(repr(value))}. "
            "For several labels a row use task: multi_label."
        )
    cell = value if isinstance(value, list) else cell_text(value, name, place)
    cells = [cell]
    if columns.label_separator is not None:
        cells = labels_in_cell(cell, columns.label_separator, columns.labels, f"{place}: {name!r}")
    names = [columns.rename(cell_text(label, name, place).strip()) for label in cells]
    return tuple(dict.fromkeys(filter(None, names)))


def replace_lone_surrogates(text: str) -> str:
    """Returns `text` with U+FFFD for each lone surrogate, which JSON escapes can produce."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def cell_text(value: Any, column: str, place: str) -> str:
    """Returns a cell as text; missing values and NaN are empty."""
    if isinstance(value, str):
        return replace_lone_surrogates(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{place}: {column!r} holds bytes that are not UTF-8.") from error
    plain = type(value).__repr__ is object.__repr__  # type: ignore[comparison-overlap]
    if plain or isinstance(value, Iterable):
        kind = {list: "a list", tuple: "a list", dict: "an object", object: "an object"}.get(type(value))
        kind = kind or f"a {type(value).__name__}"
        raise DataError(
            f"{place}: {column!r} holds {kind}, but text is expected. Received: {excerpt(repr(value))}"
        )
    return str(value)

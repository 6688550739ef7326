"""Writes predictions and rows as JSON lines, CSV, TSV or Parquet in constant memory."""

import csv
import gzip
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from kerasbert.data.json_text import json_text
from kerasbert.errors import UserError
from kerasbert.files import atomic_path

Record = Mapping[str, Any]

WRITTEN_FORMATS = ("jsonl", "tsv", "csv", "parquet")
# The fields that CSV and TSV contain; the other formats contain all fields.
_CELLS = ("text", "pair", "label", "score", "accepted")
_OPTIONAL = ("pair", "accepted")
_ALIASES = {"ndjson": "jsonl", "json": "jsonl"}
_NOT_IN_TSV = re.compile(r"[\t\r\n]+")
_PART = 4096  # rows of Parquet written at once


def written_format(output: str, form: str | None = None) -> str:
    """Returns the format to write: `form` if given, else by the suffix of `output`, else `jsonl`.

    Raises:
        UserError: the suffix is of a format that cannot be written.
    """
    name = Path(output).name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix.removeprefix(".")
    form = form or _ALIASES.get(suffix, suffix)
    if form in ("xlsx", "xls"):
        raise UserError(f"{output}: workbooks cannot be written. Write a .csv, which Excel opens.")
    form = form if form in WRITTEN_FORMATS else "jsonl"
    if form == "parquet" and name.endswith(".gz"):
        raise UserError(f"{output}: Parquet is already compressed. Use a name without .gz.")
    return form


def write_records(records: Iterable[Record], file: IO[bytes], form: str, compress: bool = False) -> None:
    """Writes `records` as they arrive.

    Args:
        records: dicts with the same keys: `text`, `label`, `score`, perhaps `pair` and `accepted`, others.
        file: flushed after each record unless compressed.
        form: one of `WRITTEN_FORMATS`. In TSV, tabs and line breaks in a text become spaces.
        compress: whether to gzip the output.
    """
    if form == "parquet":
        _write_parquet(records, file)
        return
    lines = _json_lines(records) if form == "jsonl" else _separated(records, form)
    if compress:
        _write_lines(lines, file, compress)
        return
    for line in lines:
        file.write(line.encode())
        file.flush()


def write_cells(records: Iterable[Record], output: str, mark: bool = False) -> None:
    """Writes rows with all their columns as JSON lines, CSV or TSV; the file appears when it is complete.

    Args:
        records: cells by the names of their columns, the same names in each for CSV and TSV; read lazily.
        output: the file, named .jsonl, .csv or .tsv, perhaps with .gz.
        mark: whether it begins with a byte order mark, without which Excel does not read CSV as UTF-8.

    Raises:
        UserError: another format, or a record with other columns than the first.
    """
    form = _cells_format(output)
    lines = _json_lines(records) if form == "jsonl" else _table_lines(records, form, output)
    write_text_lines(itertools.chain(["\ufeff"], lines) if mark else lines, output)


def write_text_lines(lines: Iterable[str], output: str) -> None:
    """Writes lines as UTF-8, gzipped if `output` ends in .gz; the file appears when it is complete."""
    with atomic_path(Path(output)) as temporary, temporary.open("wb") as file:
        _write_lines(lines, file, output.lower().endswith(".gz"))


def _cells_format(output: str) -> str:
    form = written_format(output)
    if form == "parquet":
        raise UserError(f"{output}: rows are written as .jsonl, .csv or .tsv. Rename it.")
    return form


def _table_lines(records: Iterable[Record], form: str, output: str) -> Iterator[str]:
    iterator = iter(records)
    first = next(iterator, None)
    if first is None:
        return
    names = list(first)
    yield _line(names, form)
    for record in itertools.chain([first], iterator):
        if record.keys() != first.keys():
            raise UserError(
                f"{output}: rows have different columns ({', '.join(first)}; {', '.join(record)}), which do "
                "not fit into one table. Write a .jsonl."
            )
        yield _line([_cell(record[name]) for name in names], form)


def _line(cells: list[str], form: str) -> str:
    if form == "tsv":
        return "\t".join(_NOT_IN_TSV.sub(" ", cell) for cell in cells) + "\n"
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, list | dict):
        return json_text(value)
    return "" if value is None or value != value else str(value)  # NaN is unlike itself


def _write_lines(lines: Iterable[str], file: IO[bytes], compress: bool) -> None:
    if not compress:
        file.writelines(map(_encoded, lines))
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as archive:
        archive.writelines(map(_encoded, lines))


def _encoded(line: str) -> bytes:
    return line.encode(errors="backslashreplace")  # lone surrogates, which JSON can escape


def _json_lines(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        yield json_text(record) + "\n"


def _separated(records: Iterable[Record], form: str) -> Iterator[str]:
    iterator = iter(records)
    first = next(iterator, None)
    names = [name for name in _CELLS if name not in _OPTIONAL or (first is not None and name in first)]
    for cells in itertools.chain([names], _cells(first, iterator, names)):
        yield _line(cells, form)


def _cells(first: Record | None, rest: Iterator[Record], names: list[str]) -> Iterator[list[str]]:
    for record in itertools.chain([] if first is None else [first], rest):
        yield [str(record[name]) for name in names]


def _write_parquet(records: Iterable[Record], file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    iterator = iter(records)
    part = list(itertools.islice(iterator, _PART))
    schema = pa.schema([("text", pa.string()), ("label", pa.string()), ("score", pa.float64())])
    if part:
        schema = pa.Table.from_pylist(cast(list[dict[str, Any]], part)).schema
    with pq.ParquetWriter(file, schema) as writer:
        while part:
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
            part = list(itertools.islice(iterator, _PART))

"""Reading rows from CSV, TSV, JSONL and Parquet files, plain or gzipped, at constant memory."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kerasbert.config import DataConfig
from kerasbert.errors import DataError
from kerasbert.files import explain_read_errors, open_bytes

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
# What the reader puts in the place of bytes that are not of the encoding.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LONGEST_CELL = 1 << 30


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data file. `labels` has one entry, or any number in a multi-label task."""

    text: str
    labels: tuple[str, ...]
    pair: str | None
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read, and how."""

    text: str = "text"
    label: str | None = "label"
    pair: str | None = None
    label_map: dict[str, str] = field(default_factory=dict)
    label_separator: str | None = None
    encoding: str = "utf-8"

    @classmethod
    def of(cls, config: DataConfig, label_separator: str | None = None) -> "Columns":
        """Returns the columns that `config` names; the separator is the task's."""
        return cls(
            label_separator=label_separator,
            text=config.text_column,
            label=config.label_column,
            pair=config.pair_column,
            label_map=config.label_map,
            encoding=config.encoding,
        )


def read_rows(path: str | Path, columns: Columns) -> Iterator[Row]:
    """Yields the rows of `path` in order. Bytes outside the encoding become U+FFFD.

    Raises:
        DataError: the file is missing, empty, of an unknown format, lacks a column or is malformed.
    """
    path = Path(path)
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in FORMATS:
        raise DataError(
            f"{path}: unknown format. Expected one of {' '.join(FORMATS)}, also with .gz. "
            f"Received: {path.name!r}"
        )
    with explain_read_errors(path):
        records = _parquet(path) if suffix == ".parquet" else _text_records(path, suffix, columns)
        count = 0
        for line, record in records:
            count += 1
            yield _row(record, line, path, columns)
    if not count:
        raise DataError(f"{path}: holds no rows.")


def _row(record: dict[str, Any], line: int, path: Path, columns: Columns) -> Row:
    def cell(column: str) -> str:
        if column not in record:
            raise DataError(
                f"{path}:{line}: has no column {column!r}. It has: {', '.join(map(str, record))}. "
                "Rename one, or set data.text_column, data.label_column or data.pair_column."
            )
        value = record[column]
        if isinstance(value, list):  # several labels of a multi-label row in JSONL or Parquet
            return (columns.label_separator or "|").join(map(str, value))
        return _as_text(value)

    labels: list[str] = []
    if columns.label is not None:
        joined = cell(columns.label)
        labels = [joined] if columns.label_separator is None else joined.split(columns.label_separator)
    names = [columns.label_map.get(label.strip(), label.strip()) for label in labels]
    pair = None if columns.pair is None else cell(columns.pair)
    return Row(cell(columns.text), tuple(dict.fromkeys(filter(None, names))), pair, str(path), line)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    # JSON can name half a surrogate pair, which is no character.
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text_records(path: Path, suffix: str, columns: Columns) -> Iterator[tuple[int, dict[str, Any]]]:
    # CSV cells may hold line breaks; elsewhere a line ends at LF alone.
    with _open_text(path, columns.encoding, newline="" if suffix == ".csv" else "\n") as file:
        if suffix == ".jsonl":
            yield from _jsonl(file, path)
        else:
            yield from _separated(file, path, "," if suffix == ".csv" else "\t")


def _open_text(path: Path, encoding: str, newline: str) -> IO[str]:
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)  # refuses codecs that are not of text
    except (LookupError, UnicodeError) as error:
        raise DataError(f"data.encoding: unknown encoding. Received: {encoding!r}") from error
    # utf-8-sig drops a byte-order mark, which would become part of the first column's name.
    name = "utf-8-sig" if name == "utf-8" else name
    return io.TextIOWrapper(open_bytes(path), encoding=name, errors="replace", newline=newline)


def _separated(file: IO[str], path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows under a header line. In TSV quotes are literal characters, in CSV they enclose cells."""
    if delimiter == "\t":
        lines = (line.rstrip("\r\n") for line in file)
        cells = ((number, line.split("\t")) for number, line in enumerate(lines, 1))
    else:
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(file, strict=True)
        cells = ((reader.line_num, row) for row in reader)
    header: list[str] = []
    try:
        for number, row in cells:
            if not any(row):
                continue
            if not header:
                header = row
            elif len(row) != len(header):
                raise DataError(
                    f"{path}:{number}: has {len(row)} cells, the header has {len(header)} "
                    f"({', '.join(header)}). Mend the line"
                    + ("." if delimiter == "," else "; a text in TSV must not hold a tab.")
                )
            else:
                yield number, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}: is not CSV ({error}).") from error


def _jsonl(file: IO[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: is not JSON ({error}).") from error
        if not isinstance(record, dict):
            raise DataError(f"{path}:{number}: must be a JSON object. Received: {line.strip()[:60]}")
        yield number, record


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        number = 0
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: is not Parquet ({error}).") from error

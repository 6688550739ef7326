"""Reads the wanted cells of each row of a table in any supported format."""

import contextlib
import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from kerasbert.data.annotations import flattened, is_label_studio
from kerasbert.data.columns import Columns, named_in
from kerasbert.data.labels import whole_numbers
from kerasbert.data.source import Source
from kerasbert.errors import DataError, excerpt
from kerasbert.extras import needs_extra

# The line number (or row number, in formats without lines) and the cells in the order of `Columns.wanted`,
# followed by all of them by column name if `Columns.whole`.
Cells = tuple[int, Sequence[Any]]

_LONGEST_CELL = 1 << 30
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def read_cells(source: Source, file: IO[bytes], form: str, columns: Columns) -> Iterator[Cells]:
    """Yields the rows of an open table.

    Args:
        source: the source of `file`, for messages.
        file: the result of `source.open`.
        form: one of `FORMATS`; "": detect it from the first line.
        columns: the columns to read.

    Raises:
        DataError: a column is missing, or a row is malformed.
    """
    if form == ".parquet":
        return _parquet(source, file, columns)
    if form == ".xlsx":
        return _workbook(source, file, columns)
    lines = source.lines(file, universal=form in (".csv", ""))
    if form in ("", ".json"):
        start: list[str] = []
        while not (start and start[-1].strip()) and (line := next(lines, None)) is not None:
            start.append(line)
        first, lines = "".join(start[-1:]), itertools.chain(start, lines)
        form = _detect(first) if form == "" else ".json" if first.lstrip().startswith("[") else ".jsonl"
    if form == ".json":
        return _array("".join(lines), source, columns)
    if form in (".jsonl", ".ndjson"):
        return _json_lines(lines, source, columns)
    return _separated(lines, source, columns, "," if form == ".csv" else "\t")


def _detect(first: str) -> str:
    """Returns the format of a table that begins with the line `first`."""
    start = first.lstrip()
    if start.startswith("["):
        return ".json"
    if start.startswith("{"):
        return ".jsonl"
    return ".tsv" if "\t" in first else ".csv"


def _separated(lines: Iterator[str], source: Source, columns: Columns, delimiter: str) -> Iterator[Cells]:
    """Reads rows below a header line. In TSV quotes are literal characters, in CSV they enclose cells.

    A blank line is a row of empty cells.
    """
    csv.field_size_limit(_LONGEST_CELL)
    header_line = 0
    first = ""
    for first in lines:
        header_line += 1
        if first.strip("\r\n"):
            break
    lines = itertools.chain([first], lines)
    if delimiter == "," and not columns.found_in(next(csv.reader([first]), [])):
        # Try another delimiter if it yields exactly the wanted columns.
        others = (mark for mark in ";\t" if columns.found_in(next(csv.reader([first], delimiter=mark), [])))
        delimiter = next(others, ",")
        rows = _quoted(lines, source, delimiter, header_line - 1)
    elif delimiter == "\t":
        stripped = (line.rstrip("\r\n") for line in lines)
        rows = ((number, line.split("\t") if line else []) for number, line in enumerate(stripped, 1))
    else:
        rows = _quoted(lines, source, delimiter, header_line - 1)
    number, header = next(rows, (1, []))
    if not any(header):
        return
    place = f"{source.name}:{header_line - 1 + number}"
    if (len(header) == 1 and len(columns.wanted) > 1) or not columns.found_in(header):
        _require_delimiter(header, place, delimiter)
    chosen = [header.index(name) for name in columns.choose(header, place)]
    width = len(header)
    for number, row in rows:
        row = row or [""] * width
        if len(row) == width:
            cells = [row[index] for index in chosen]
            whole = [dict(zip(header, row, strict=True))] if columns.whole else []
            yield header_line - 1 + number, [*cells, *whole]
        else:
            raise DataError(
                f"{source.name}:{header_line - 1 + number}: has {len(row)} cells, the header has {width} "
                f"({named_in(header)}). Correct the line"
                + ("." if delimiter != "\t" else "; a text in TSV must not contain a tab.")
            )


def _quoted(
    lines: Iterator[str], source: Source, delimiter: str, before: int
) -> Iterator[tuple[int, list[str]]]:
    """Reads rows with the csv module; `before` lines have already been read."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 0  # where the last row ended
    try:
        for row in reader:
            line = reader.line_num
            yield line, row
    except csv.Error as error:
        raise DataError(
            f"{source.name}: is not CSV ({error}) in the row that begins in line {before + line + 1}. "
            "Look for an unclosed quote."
        ) from error


def _require_delimiter(header: Sequence[str], place: str, delimiter: str) -> None:
    """Raises `DataError` if another character separates the columns."""
    for mark, name in _DELIMITERS.items():
        if mark != delimiter and len(header) == 1 and mark in header[0]:
            other = {"\t": ", or name it .tsv", ",": ", or name it .csv"}.get(mark, "")
            raise DataError(
                f"{place}: seems to be separated by {name}, not {_DELIMITERS[delimiter]}: {header[0]!r}. "
                f"Save it with {_DELIMITERS[delimiter]}{other}."
            )


def _json_lines(lines: Iterator[str], source: Source, columns: Columns) -> Iterator[Cells]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            hint = (
                " Write each object on one line, or all of them in an array." if line.strip() == "{" else ""
            )
            raise DataError(f"{source.name}:{number}: is not JSON ({error}).{hint}") from error
        yield number, _of_record(record, line, f"{source.name}:{number}", columns)


def _array(content: str, source: Source, columns: Columns) -> Iterator[Cells]:
    """Reads the objects of a JSON array one by one; the whole text is in memory."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    number, counted = 1, 0
    place = content.index("[") + 1
    while True:
        place = _after_space(content, place)
        number += content.count("\n", counted, place)
        counted = place
        if content.startswith("]", place):
            break
        try:
            record, end = decoder.raw_decode(content, place)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{source.name}:{number}: is not JSON ({error}).") from error
        yield number, _of_record(record, content[place:end], f"{source.name}:{number}", columns)
        place = _after_space(content, end)
        if content.startswith(",", place):
            place += 1
        elif not content.startswith("]", place):
            raise DataError(f"{source.name}:{number}: is not JSON (a comma or ] is missing).")
    if content[place + 1 :].strip():
        raise DataError(f"{source.name}:{number}: is not JSON (something follows the array).")


def _after_space(content: str, place: int) -> int:
    while content[place : place + 1] in (" ", "\n", "\r", "\t"):
        place += 1
    return place


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} occurs twice in an object")
    return record


def _of_record(record: Any, line: str, place: str, columns: Columns) -> list[Any]:
    if not isinstance(record, dict):
        raise DataError(f"{place}: must be a JSON object. Received: {excerpt(line)}")
    if is_label_studio(record):
        record = flattened(record, columns.label, place)
    whole = [record] if columns.whole else []
    try:
        return [*(record[name] for name in columns.wanted.values()), *whole]
    except KeyError:
        return [*(record[name] for name in columns.choose(list(record), place)), *whole]


def _parquet(source: Source, file: IO[bytes], columns: Columns) -> Iterator[Cells]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(io.BytesIO(file.read()) if source.is_stream else file) as table:
            chosen = columns.choose(table.schema_arrow.names, source.name)
            whole = [name for name in chosen if name == columns.label and _are_whole_numbers(table, name)]
            number = 0
            read = table.schema_arrow.names if columns.whole else list(dict.fromkeys(chosen))
            for batch in table.iter_batches(columns=read):
                cells = {name: batch.column(name).to_pylist() for name in read}
                cells |= {name: whole_numbers(cells[name]) for name in whole}
                rows: list[Iterable[Any]] = [cells[name] for name in chosen]
                if columns.whole:
                    rows.append(batch.to_pylist())
                for row in zip(*rows, strict=True):
                    number += 1
                    yield number, row
    except pa.ArrowException as error:
        raise DataError(f"{source.name}: is not Parquet ({error}).") from error


def _are_whole_numbers(table: Any, column: str) -> bool:
    """Whether a column of floats, of all the file, is to be read as whole numbers."""
    if not str(table.schema_arrow.field(column).type).startswith(("float", "double", "halffloat")):
        return False
    values = table.read([column]).column(0).to_pylist()
    return whole_numbers(values) is not values


def _workbook(source: Source, file: IO[bytes], columns: Columns) -> Iterator[Cells]:
    with needs_extra("excel", f"{source.name}: a workbook", otherwise="save the sheet as CSV UTF-8"):
        import openpyxl
    with _wrap_damage(source):
        content = io.BytesIO(file.read()) if source.is_stream else file
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
    filled = [sheet for sheet in book.worksheets if any(map(_filled, _rows_of(sheet, source)))]
    if len(filled) > 1:
        names = ", ".join(sheet.title for sheet in filled)
        raise DataError(f"{source.name}: has several sheets ({names}). Keep one, or save one as CSV UTF-8.")
    header: list[str] = []
    chosen: list[int] = []
    waiting: list[Cells] = []  # blank rows, dropped at the end of the sheet
    for number, row in enumerate(_rows_of(filled[0], source) if filled else (), 1):
        if not chosen and _filled(row):
            header = ["" if name is None else str(name) for name in row]
            chosen = [header.index(name) for name in columns.choose(header, f"{source.name}:{number}")]
        elif chosen:
            row = [*row, *[None] * (len(header) - len(row))]
            all_cells = [dict(zip(header, row, strict=False))] if columns.whole else []
            waiting.append((number, [*(row[index] for index in chosen), *all_cells]))
            if _filled(row):
                yield from waiting
                waiting = []


def _rows_of(sheet: Any, source: Source) -> Iterator[Sequence[Any]]:
    sheet.reset_dimensions()  # the size that the file states may be too small
    with _wrap_damage(source):
        yield from sheet.iter_rows(values_only=True)


@contextlib.contextmanager
def _wrap_damage(source: Source) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a damaged archive can raise anything
        raise DataError(f"{source.name}: is not an Excel workbook ({error}).") from error


def _filled(row: Sequence[Any]) -> bool:
    return any(cell is not None and cell != "" for cell in row)

"""The cells of any table as columns of Arrow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kerasbert import progress
from kerasbert.data.columns import Columns
from kerasbert.data.json_text import json_text
from kerasbert.data.read import Row, read_rows, replace_lone_surrogates
from kerasbert.data.source import Source
from kerasbert.errors import DataError, excerpt

Types = dict[str, pa.DataType]

LOOK_AHEAD = "Write the rows to a file first: there all of them are looked at before the work begins."

_INT64 = range(-(1 << 63), 1 << 63)
_KINDS: dict[pa.DataType, set[type]] = {pa.bool_(): {bool}, pa.int64(): {int}, pa.float64(): {int, float}}


def column_types(path: str, columns: Columns) -> Types | None:
    """Returns the types of all columns of a file: Parquet's own, else what holds every cell.

    Reads the file to its end, so that a malformed row is found before the work begins.

    Args:
        path: a file, or `-` for standard input.
        columns: with `whole`.

    Returns:
        None for a stream, which can be read only once.

    Raises:
        DataError: as `read_rows`.
    """
    source = Source(path, columns.encoding, columns.stream_encoding, columns.settings)
    if source.is_stream:
        return None
    with progress.phase(f"reading {path}"):
        rows = read_rows(path, columns)
        with source.open() as file:
            if source.format_of(file) != ".parquet":
                return types_of(rows)
            next(rows, None)  # complains about a missing column
            return {field.name: field.type for field in pq.read_schema(file)}


def cells_of(row: Row) -> Mapping[str, Any]:
    """Returns the cells of a row by column; of a line of text `text`, and `pair` if there is one."""
    if row.cells is not None:
        return row.cells
    return {"text": row.text} if row.pair is None else {"text": row.text, "pair": row.pair}


def types_of(rows: Iterable[Row]) -> Types:
    """Returns types that hold all cells: bool, int64, float64, else string."""
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for name, value in cells_of(row).items():
            kinds.setdefault(name, set()).add(_kind(value))
    return {name: _type(found - {type(None)}) for name, found in kinds.items()}


def arrow_column(name: str, type_: pa.DataType, rows: Sequence[Row]) -> pa.Array:
    """Returns a column of `rows`. As a string, what is no text is JSON; an absent cell is null.

    Raises:
        DataError: a cell is not of the type.
    """
    values = [cells_of(row).get(name) for row in rows]
    if type_ == pa.string():
        return pa.array([_text(value) for value in values], type_)
    if type_ in _KINDS:  # Arrow would cut 1.5 to 1
        for row, value in zip(rows, values, strict=True):
            if value is not None and _kind(value) not in _KINDS[type_]:
                raise DataError(
                    f"{row.file}:{row.line}: {name!r} holds {excerpt(repr(value))}, and the rows before hold "
                    f"{type_}. {LOOK_AHEAD}"
                )
    return pa.array(values, type_)


def _kind(value: Any) -> type:
    return str if type(value) is int and value not in _INT64 else type(value)


def _type(kinds: set[type]) -> pa.DataType:
    return next((type_ for type_, held in _KINDS.items() if kinds and kinds <= held), pa.string())


def _text(value: Any) -> str | None:
    if value is None or value != value:  # NaN is unlike itself
        return None
    plain = isinstance(value, bool | int | float | list | dict)
    return replace_lone_surrogates(json_text(value) if plain else str(value))

"""Writes vectors as .npy or Parquet, in constant memory."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kerasbert.data.arrow import LOOK_AHEAD, Types, arrow_column, cells_of, types_of
from kerasbert.data.read import Row
from kerasbert.errors import DataError, UserError

_COLUMN = "vector"
_PART = 4096  # rows of Parquet written at once

Vectors = Iterable[tuple[Row, np.ndarray]]


def vector_format(output: str) -> str:
    """Returns `npy` or `parquet`, the suffix of `output`.

    Raises:
        UserError: it has another, or is no file.
    """
    path = Path(output)
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in ("npy", "parquet"):
        raise UserError(f"{output}: vectors are written to a file named .npy or .parquet. Rename it.")
    if path.exists() and not path.is_file():  # neither format is written from start to end
        raise UserError(f"{output}: must be a file, or not exist yet. Choose another name.")
    return suffix


def write_npy(vectors: Iterable[np.ndarray], size: int, file: IO[bytes]) -> None:
    """Writes vectors [size] as one float32 array [rows, size].

    Args:
        vectors: read lazily.
        size: of a vector.
        file: can be sought in; the number of rows is written last.
    """

    def write_header(rows: int) -> int:
        # NumPy leaves room for the first axis to grow.
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, size)}
        np.lib.format.write_array_header_1_0(file, header)
        return file.tell()

    start, rows = write_header(0), 0
    for vector in vectors:
        file.write(vector.astype("<f4").tobytes())
        rows += 1
    file.seek(0)
    if write_header(rows) != start:
        raise RuntimeError("NumPy wrote a header of another length.")


def write_parquet(vectors: Vectors, size: int, file: IO[bytes], types: Types | None = None) -> None:
    """Writes the cells of each row, and its vector [size] as a fixed-size list of float32 in `vector`.

    Args:
        vectors: read lazily.
        size: of a vector.
        file: to write to.
        types: of the columns. None: those of the first rows.

    Raises:
        DataError: a cell is not of the type of its column, or there is a column `vector` already.
    """
    parts = _parts(vectors)
    first = [] if types else next(parts, [])
    types = types or types_of(row for row, _ in first) or {"text": pa.string()}
    if _COLUMN in types:
        raise DataError(f"the input has a column {_COLUMN!r} already. Rename it.")
    of_vectors = pa.list_(pa.float32(), size)
    schema = pa.schema([*types.items(), pa.field(_COLUMN, of_vectors, nullable=False)])
    with pq.ParquetWriter(file, schema) as writer:
        for part in itertools.chain([first], parts):
            rows = [row for row, _ in part]
            _require_known(rows, types)
            flat = np.concatenate([np.empty(0, np.float32), *(vector for _, vector in part)])
            columns = [arrow_column(name, type_, rows) for name, type_ in types.items()]
            columns.append(pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), type=of_vectors))
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _require_known(rows: Iterable[Row], types: Types) -> None:
    for row in rows:
        if new := cells_of(row).keys() - types.keys():
            raise DataError(
                f"{row.file}:{row.line}: has a column {min(new)!r}, which the rows before lack. {LOOK_AHEAD}"
            )


def _parts(vectors: Vectors) -> Iterator[list[tuple[Row, np.ndarray]]]:
    iterator = iter(vectors)
    while part := list(itertools.islice(iterator, _PART)):
        yield part

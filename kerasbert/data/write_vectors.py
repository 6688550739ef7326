"""Writes vectors as .npy or Parquet, in constant memory."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from kerasbert.errors import UserError

Vectors = Iterable[tuple[Mapping[str, str], np.ndarray]]  # each with the cells of its row
Writer = Callable[[Vectors, int, IO[bytes]], None]

_COLUMN = "vector"
_PART = 4096  # rows of Parquet written at once


def vector_writer(output: str) -> Writer:
    """Returns `write_npy` or `write_parquet`, by the suffix of `output`.

    Raises:
        UserError: it has another, or is no file.
    """
    writers = {".npy": write_npy, ".parquet": write_parquet}
    path = Path(output)
    if path.suffix.lower() not in writers:
        raise UserError(f"{output}: vectors are written to a file named .npy or .parquet. Rename it.")
    if path.exists() and not path.is_file():  # both formats are completed at their start or end
        raise UserError(f"{output}: must be a file, or not exist yet. Choose another name.")
    return writers[path.suffix.lower()]


def write_npy(vectors: Vectors, size: int, file: IO[bytes]) -> None:
    """Writes vectors [size] as one float32 array [rows, size], without the cells of their rows.

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
    for _, vector in vectors:
        file.write(vector.astype("<f4").tobytes())
        rows += 1
    file.seek(0)
    if write_header(rows) != start:
        raise RuntimeError("NumPy wrote a header of another length.")


def write_parquet(vectors: Vectors, size: int, file: IO[bytes]) -> None:
    """Writes vectors [size] as a column `vector`, fixed-size lists of float32, after the cells of their rows.

    Args:
        vectors: read lazily.
        size: of a vector.
        file: written from start to end.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = _parts(vectors)
    first = next(parts, [])
    names = list(first[0][0]) if first else ["text"]
    of_vectors = pa.field(_COLUMN, pa.list_(pa.float32(), size), nullable=False)
    schema = pa.schema([*(pa.field(name, pa.string()) for name in names), of_vectors])
    with pq.ParquetWriter(file, schema) as writer:
        for part in itertools.chain([first], parts):
            columns: list[Any] = [pa.array([cells[name] for cells, _ in part], pa.string()) for name in names]
            flat = np.concatenate([vector for _, vector in part] or [np.empty(0)]).astype(np.float32)
            columns.append(pa.FixedSizeListArray.from_arrays(flat, type=of_vectors.type))
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _parts(vectors: Vectors) -> Iterator[list[tuple[Mapping[str, str], np.ndarray]]]:
    iterator = iter(vectors)
    while part := list(itertools.islice(iterator, _PART)):
        yield part

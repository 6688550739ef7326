"""Estimates the rows of a file, for progress bars."""

import contextlib
import zlib

from kerasbert.data.source import Source
from kerasbert.files import open_bytes

_CHUNK = 1 << 20


def estimate_rows(path: str) -> int | None:
    """Returns the rows of a Parquet file, or the line endings of a text; None if unknown before reading."""
    source = Source(path)
    if source.is_stream or source.suffix == ".xlsx":
        return None
    with contextlib.suppress(OSError, EOFError, zlib.error):  # the reader will report it
        if source.suffix == ".parquet":
            import pyarrow
            import pyarrow.parquet

            with contextlib.suppress(pyarrow.ArrowException):
                return pyarrow.parquet.read_metadata(path).num_rows
        else:
            with open_bytes(source.path) as file:
                return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))
    return None

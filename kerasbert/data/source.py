"""A file or standard input, with its format detected from the content."""

import contextlib
import io
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from kerasbert.data.columns import KEYS, OPTIONS, Settings
from kerasbert.encoding import codec_name, decoded_lines, require_encoding, strict_lines
from kerasbert.errors import DataError, UserError
from kerasbert.files import decompressed, open_bytes, wrap_read_errors

STDIN = "-"
TEXT_FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
FORMATS = (*TEXT_FORMATS, ".parquet", ".xlsx")
_PARQUET, _ZIP = b"PAR1", b"PK\x03\x04"
# How unsupported files begin, and what to do with them.
_OTHERS = {
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel version. Save it as CSV UTF-8",
    b"BZh": "compressed with bzip2. Decompress it first",
    b"\xfd7zXZ\x00": "compressed with xz. Decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd. Decompress it first",
    b"Rar!": "a RAR archive. Unpack it first",
    b"7z\xbc\xaf": "a 7z archive. Unpack it first",
    b"%PDF-": "a PDF. Use a text file",
    b"{\\rtf": "RTF. Save it as plain text",
    b"ARROW1": "an Arrow file. Save it as Parquet",
    b"SQLite format 3": "a database. Write its rows to a CSV file",
}


class Source:
    """A file or standard input.

    Args:
        path: a file, or `-` for standard input.
        encoding: encoding of text files.
        stream_encoding: encoding of streams, which can be read only once. None: `encoding`.
        settings: what messages call the reader's settings.
    """

    def __init__(
        self,
        path: str | Path,
        encoding: str = "utf-8",
        stream_encoding: str | None = None,
        settings: Settings = KEYS,
    ):
        self.is_stdin = str(path) == STDIN
        self.path = Path(path)
        self.name = "standard input" if self.is_stdin else str(path)
        self.encoding = codec_name(
            (self.is_stream and stream_encoding) or encoding, settings.encoding or "encoding"
        )
        self._advise = settings.advise_encoding

    @property
    def suffix(self) -> str:
        """The last suffix in lower case, ignoring `.gz`; "" for standard input."""
        name = self.path.name.lower().removesuffix(".gz")
        return "" if self.is_stdin else Path(name).suffix

    @property
    def is_stream(self) -> bool:
        """Whether it can be read only once: standard input, a pipe, a device."""
        return self.is_stdin or (self.path.exists() and not self.path.is_file() and not self.path.is_dir())

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Opens the source, decompressed, as a file with a `peek` method."""
        with wrap_read_errors(self.name), contextlib.ExitStack() as stack:
            if not self.is_stdin:
                yield stack.enter_context(open_bytes(self.path))
                return
            if sys.stdin is None:
                raise DataError("standard input: is closed.")
            yield decompressed(sys.stdin.buffer, self.name)

    def format_of(self, file: IO[bytes]) -> str:
        """Returns `.parquet` or `.xlsx` if the content of `file` is that, else the suffix.

        Raises:
            DataError: the content is an unsupported format, or does not match the suffix.
        """
        start = file.peek(16)[:16]  # type: ignore[attr-defined]
        if start.startswith(_PARQUET):
            return ".parquet"
        if start.startswith(_ZIP):
            if self.is_stream or _is_workbook(file):  # a stream cannot be inspected further
                return ".xlsx"
            if self.suffix not in (".xlsx", ".xlsm"):
                raise DataError(f"{self.name}: is a zip archive. Unpack it first.")
        for mark, what in _OTHERS.items():
            if start.startswith(mark):
                raise DataError(f"{self.name}: is {what}.")
        if self.suffix == ".parquet":
            raise DataError(f"{self.name}: is not Parquet, despite its name.")
        if self.suffix in (".xlsx", ".xlsm"):
            raise DataError(f"{self.name}: is not an Excel workbook, despite its name.")
        return self.suffix

    def lines(self, file: IO[bytes], universal: bool = False) -> Iterator[str]:
        """Returns the lines of `file` with their endings, without a byte-order mark.

        Args:
            file: the result of `open`. A file is checked to its end first, and rejected if it is not text
                in the encoding; a stream is rejected at the first bad line.
            universal: whether a carriage return also ends a line. It always does in a file without line
                feeds, as on the old Mac OS.
        """
        if self.is_stream:
            lines = strict_lines(file, self.name, self.encoding, self._advise)
            lines = _split(lines) if universal else lines
        else:
            encoding = require_encoding(lambda: open_bytes(self.path), self.name, self.encoding, self._advise)
            lines = decoded_lines(file, encoding, newline="" if universal else "\n")
        lines = _without_mark(lines)
        return lines if universal else _of_old_mac(lines)


def read_lines(path: str | Path) -> Iterator[str]:
    """Yields the lines of a UTF-8 text file, gzipped or not, with their endings.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    source = Source(path, settings=Settings(encoding=None))
    with source.open() as file:
        form = source.format_of(file)
        if form in (".parquet", ".xlsx"):
            raise DataError(f"{source.name}: is a table. Use a text file.")
        yield from source.lines(file)


def require_files(paths: Iterable[str]) -> None:
    """Raises `DataError` if one of `paths` is a stream, which cannot be read more than once."""
    for source in map(Source, paths):
        if source.is_stream:
            raise DataError(f"{source.name}: can be read only once, which is not enough here. Use a file.")


def require_distinct(data: Iterable[object], settings: Settings) -> None:
    """Raises `UserError` if a file is named twice in `data`, paths and tables: its rows would count twice."""
    files = [str(source) for source in data if isinstance(source, str | Path)]
    places = [os.path.realpath(file) for file in files]
    if twice := next((file for file, of in zip(files, places, strict=True) if places.count(of) > 1), None):
        name = "--data" if settings is OPTIONS else "data"
        raise UserError(f"{name}: names the file {twice} twice. Name it once.")


def _is_workbook(file: IO[bytes]) -> bool:
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(file) as archive:
        return "xl/workbook.xml" in archive.namelist()
    return False


def _split(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if "\r" in line.removesuffix("\r\n"):
            yield from io.StringIO(line, newline="")
        else:
            yield line


def _of_old_mac(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield from [line] if line.endswith("\n") else _split(iter([line]))
        break
    yield from lines


def _without_mark(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line.removeprefix("\ufeff")
        break
    yield from lines

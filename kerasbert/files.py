"""Reading files with clear errors; writing them so that a reader sees the old content or the new."""

import contextlib
import fcntl
import gzip
import io
import json
import os
import shutil
import socket
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from kerasbert.errors import DataError, UserError


def require_path(given: object, name: str) -> str:
    """Returns a path, or a URL, as a string.

    Args:
        given: what was passed.
        name: of the argument.

    Raises:
        UserError: it is none.
    """
    if isinstance(given, str | os.PathLike) and isinstance(path := os.fspath(given), str):
        return path
    raise UserError(f"{name}: must be a path (str or os.PathLike). Received: {type(given).__name__}.")


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file for reading; what is gzipped is unpacked on the way, whatever its name.

    Raises:
        DataError: the name ends in `.gz` and the content is something else.
        OSError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        file = unpacked(stack.enter_context(path.open("rb")), path)
        if isinstance(file, gzip.GzipFile):
            file.myfileobj = stack.pop_all()  # closed with it
        stack.pop_all()
        return file


def unpacked(file: IO[bytes], path: Path | str) -> IO[bytes]:
    """Returns an open file with a `peek`, unpacked if it is gzipped; `path` is its name."""
    peekable: Any = file if hasattr(file, "peek") else io.BufferedReader(file)
    start = peekable.peek(2)[:2]
    if start == b"\x1f\x8b":
        return cast(IO[bytes], gzip.GzipFile(fileobj=peekable))
    if start and str(path).lower().endswith(".gz"):
        raise DataError(f"{path}: cannot be read (it is not gzipped). Name it without .gz.")
    return peekable


@contextlib.contextmanager
def explain_read_errors(path: Path | str) -> Iterator[None]:
    """Turns an error of reading or unpacking inside the block into a `DataError` that names `path`."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read ({reason}).") from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary sibling of `path` that replaces it when the block ends well.

    The temporary name keeps the suffixes of `path`, since some writers insist on them.

    Raises:
        UserError: the file cannot be written (no permission, disk full).
    """
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        with explain_write_errors(path):
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # a place that cannot be written holds nothing to remove
            temporary.unlink(missing_ok=True)


def remove_temporaries(directory: Path) -> None:
    """Removes what `atomic_path` left in `directory` where its process was killed."""
    for path in directory.glob(".????????-*"):
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 with LF line ends, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_json_lines(path: Path, records: Iterable[Any]) -> None:
    """Writes each of `records` as a line of JSON, atomically."""
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def append_json(path: Path, record: Mapping[str, Any]) -> None:
    """Appends a line of JSON."""
    with explain_write_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def require_other_file(output: str, sources: Iterable[str]) -> None:
    """Raises `UserError` if the file to write, `output`, is one of those to read."""
    for source in sources:
        with contextlib.suppress(OSError):  # one of them is not there
            if Path(output).is_file() and os.path.samefile(output, source):
                raise UserError(f"{output}: is read here, and would be lost. Write to another file.")


def make_directory(path: Path) -> None:
    """Makes `path` and its parents."""
    with explain_write_errors(path):
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turns an `OSError` inside the block into a `UserError` that names `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"{path}: cannot be written ({reason}). Free space or choose another place."
        ) from error


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Holds a directory for this process while the block runs.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    path = directory / ".lock"
    with contextlib.ExitStack() as stack:
        with explain_write_errors(path):
            file = stack.enter_context(path.open("a+", encoding="utf-8"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise UserError(
                    f"{directory}: is in use by {file.read() or 'another process'}. Wait for it, or name "
                    "another directory."
                ) from error
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Runs the block once no other process is in such a block for `directory`."""
    with explain_write_errors(directory):
        descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def require_new_directory(path: Path) -> None:
    """Raises `UserError` unless `path` is free, or an empty directory."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path}: exists already. Name another directory, or remove it.")


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yields a temporary sibling of `path` that becomes `path` when the block ends well.

    Raises:
        UserError: `path` exists and is not an empty directory, or cannot be written.
    """
    require_new_directory(path)
    make_directory(path.parent)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        with explain_write_errors(path):
            temporary.mkdir()
        yield temporary
        with explain_write_errors(path):
            temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

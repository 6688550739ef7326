"""Reading files with clear errors; writing them so that a reader sees the old content or the new."""

import contextlib
import errno
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

from kerasbert.errors import DataError, UserError, excerpt

LOCK = ".lock"  # the file of `exclusive_lock` in its directory


def require_path(value: object, name: str) -> str:
    """Returns a path or URL as a string.

    Args:
        value: the argument that was passed.
        name: the name of the argument, for the error message.

    Raises:
        UserError: `value` is not a path.
    """
    if isinstance(value, str | os.PathLike) and isinstance(path := os.fspath(value), str):
        if "://" not in path:
            require_short_names(path, name)
        return path
    raise UserError(f"{name}: must be a path (str or os.PathLike). Received: {type(value).__name__}.")


def require_short_names(path: str, name: str) -> None:
    """Raises `UserError` if no file can be called so, as where a text stands in the place of a path."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"{name}: is too long for a path. Received: {excerpt(path)}") from error
    except ValueError as error:  # a null byte
        raise UserError(f"{name}: must be a path. Received: {excerpt(path)}") from error


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file for reading; gzip is detected by content and decompressed.

    Raises:
        DataError: the name ends in `.gz` but the content is not gzip.
        OSError: the file cannot be read.
    """
    with contextlib.ExitStack() as stack:
        file = decompressed(stack.enter_context(path.open("rb")), path)
        if isinstance(file, gzip.GzipFile):
            file.myfileobj = stack.pop_all()  # closed together with the GzipFile
        stack.pop_all()
        return file


def decompressed(file: IO[bytes], path: Path | str) -> IO[bytes]:
    """Returns `file` with a `peek` method, decompressed if it is gzip; `path` is its name."""
    peekable: Any = file if hasattr(file, "peek") else io.BufferedReader(file)
    start = peekable.peek(2)[:2]
    if start == b"\x1f\x8b":
        return cast(IO[bytes], gzip.GzipFile(fileobj=peekable))
    if start and str(path).lower().endswith(".gz"):
        raise DataError(f"{path}: cannot be read (it is not gzip). Rename it without .gz.")
    return peekable


@contextlib.contextmanager
def wrap_read_errors(path: Path | str) -> Iterator[None]:
    """Turns an error while reading or decompressing into a `DataError` that names `path`."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read ({reason}).") from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary sibling of `path` that replaces it when the block succeeds.

    The temporary name keeps the suffixes of `path`, because some writers depend on them.

    Raises:
        UserError: the file cannot be written (no permission, disk full).
    """
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        with wrap_write_errors(path):
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # in an unwritable directory there is nothing to remove
            temporary.unlink(missing_ok=True)


def remove_temporaries(directory: Path) -> None:
    """Removes the temporary files that a killed process left in `directory`; see `atomic_path`."""
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
    """Writes `records` as JSON lines, as they arrive; the file appears when it is complete."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def append_json(path: Path, record: Mapping[str, Any]) -> None:
    """Appends a line of JSON."""
    with wrap_write_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def require_writable(directory: Path) -> None:
    """Raises `UserError` if files cannot be written in `directory`, which need not exist; makes nothing.

    For what takes long: so that it is known before.
    """
    with wrap_write_errors(directory):
        there = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def require_output(output: str, sources: Iterable[str], streams: bool = False) -> None:
    """Raises `UserError` if a file `output` cannot be written, or is one of `sources`.

    Args:
        output: is replaced when it is complete.
        sources: files that are read for it.
        streams: whether it may also be a pipe, a device, or `-` for standard output.
    """
    path, directory = Path(output), Path(output).parent
    with wrap_write_errors(path):
        if output == "-" or (path.exists() and not path.is_file()):
            if streams and not path.is_dir():
                return
            raise UserError(f"{output}: cannot be written, since it is not a file. Choose another name.")
        if not directory.is_dir():
            raise UserError(
                f"{output}: cannot be written, since there is no directory {directory}. Make it first."
            )
    require_writable(directory)
    for source in sources:
        with contextlib.suppress(OSError):  # one of them does not exist
            if path.is_file() and os.path.samefile(path, source):
                raise UserError(
                    f"{output}: is also an input, and would be overwritten. Write to another file."
                )


def make_directory(path: Path) -> None:
    """Creates `path` and its parents."""
    with wrap_write_errors(path):
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def wrap_write_errors(path: Path) -> Iterator[None]:
    """Turns an `OSError` inside the block into a `UserError` that names `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        may_be_full = error.errno in (None, errno.ENOSPC, errno.EDQUOT)
        advice = "Free some space or choose another location." if may_be_full else "Choose another location."
        raise UserError(f"{path}: cannot be written ({reason}). {advice}") from error


@contextlib.contextmanager
def exclusive_lock(directory: Path) -> Iterator[None]:
    """Locks a directory for this process while the block runs; fails at once if it is locked.

    Raises:
        UserError: another process holds the lock, or the directory cannot be written.
    """
    path = directory / LOCK
    with contextlib.ExitStack() as stack:
        with wrap_write_errors(path):
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
def wait_for_lock(directory: Path) -> Iterator[None]:
    """Waits until no other process holds the lock on `directory`, and holds it while the block runs."""
    with wrap_write_errors(directory):
        descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def require_new_directory(path: Path, another: str = "directory") -> None:
    """Raises `UserError` unless `path` does not exist or is an empty directory.

    Args:
        path: of the directory.
        another: how the message calls what to choose another of.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path}: exists already. Choose another {another}, or remove it.")


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yields a temporary directory that becomes `path` when the block succeeds.

    An empty directory is filled rather than replaced: it may be a shell's present one, or mounted.

    Raises:
        UserError: `path` exists and is not an empty directory, or cannot be written.
    """
    require_new_directory(path)
    exists = path.is_dir()
    hidden = f".{uuid.uuid4().hex[:8]}-{path.name}"
    temporary = path / hidden if exists else path.with_name(hidden)
    try:
        with wrap_write_errors(path):
            temporary.mkdir(parents=True)
        yield temporary
        with wrap_write_errors(path):
            if exists:
                for entry in list(temporary.iterdir()):
                    entry.replace(path / entry.name)
            else:
                temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

"""Downloads a file, continuing where an earlier attempt broke off."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from kerasbert.errors import ServerError, one_line
from kerasbert.files import wait_for_lock, wrap_write_errors
from kerasbert.progress import Phase

_ATTEMPTS = 5  # in a row without a new byte
_LONGEST_WAIT = 8.0  # seconds between two attempts
_CHUNK = 1 << 18
_TIMEOUT = httpx2.Timeout(30, connect=10)
_PASSING = (408, 429, 500, 502, 503, 504)  # statuses of a server that may do better the next time


@dataclass(frozen=True)
class RemoteFile:
    """A file of a hub.

    Args:
        url: where it is.
        size: in bytes.
        digest: SHA-256 of the content (64 digits), or its id as a git blob (40). None: not known.
        headers: of the request. Where the URL redirects to another host, `Authorization` stays behind.
    """

    url: str
    size: int
    digest: str | None
    headers: Mapping[str, str]


class _BrokenOffError(Exception):
    """The server sent less than the file, or had a passing fault."""


def download(client: httpx2.Client, file: RemoteFile, path: Path, phase: Phase) -> None:
    """Downloads a file to `path`, unless it is there already.

    What an attempt got stays in `path` + `.incomplete`; the next one, perhaps of a later process, asks for
    the rest.

    Args:
        client: follows redirects.
        file: what to download.
        path: where to; its folder exists.
        phase: is advanced by the bytes of the file.

    Raises:
        httpx2.HTTPStatusError: the server refuses.
        ServerError: the connection breaks again and again, or what came is not the file.
        UserError: the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.incomplete")
    before = phase.done
    with wait_for_lock(path.parent), wrap_write_errors(path):  # another process may want the same file
        if not path.is_file():
            partial.touch()
            _fetch(client, file, partial, phase, before)
            if file.digest and _digest(partial, file.digest) != file.digest:
                partial.unlink()
                raise ServerError(
                    f"{file.url}: what came is not the file (its checksum differs) and was removed. Try "
                    "again; if that does not help, a proxy or mirror on the way changes files."
                )
            partial.replace(path)
    phase.move(before + file.size)


def _fetch(client: httpx2.Client, file: RemoteFile, partial: Path, phase: Phase, before: int) -> None:
    """Requests what is missing until nothing is."""
    failures = 0
    while (had := _length(partial)) != file.size:
        if had > file.size:  # it is of something else
            partial.unlink()
        try:
            _continue(client, file, partial, phase, before)
        except (_BrokenOffError, httpx2.TransportError) as error:
            failures = 1 if _length(partial) > had else failures + 1
            if failures == _ATTEMPTS:
                reason = one_line(error) or type(error).__name__
                raise ServerError(
                    f"{file.url}: the download broke off {failures} times ({reason}) at {_length(partial):,} "
                    f"of {file.size:,} bytes. Run the same command again: it continues there."
                ) from error
            time.sleep(min(_LONGEST_WAIT, 0.5 * 2**failures))


def _continue(client: httpx2.Client, file: RemoteFile, partial: Path, phase: Phase, before: int) -> None:
    """Requests once what is missing, and appends what comes."""
    had = _length(partial)
    headers = {**file.headers, "Accept-Encoding": "identity"}
    if had:
        headers["Range"] = f"bytes={had}-"
    with client.stream("GET", file.url, headers=headers, timeout=_TIMEOUT) as response:
        if response.status_code in _PASSING:
            raise _BrokenOffError(f"HTTP status {response.status_code}")
        response.raise_for_status()
        # 200: this server sends whole files only.
        with partial.open("ab" if response.status_code == 206 else "wb") as out:
            phase.move(before + out.tell())
            for chunk in response.iter_bytes():  # as they come: a chunk size would hold back the last one
                out.write(chunk)
                phase.advance(len(chunk))
                if out.tell() > file.size:
                    break
    if _length(partial) < file.size:
        raise _BrokenOffError("the connection was closed early")


def _digest(path: Path, like: str) -> str:
    digest = hashlib.sha256()
    if len(like) == 40:
        digest = hashlib.sha1(b"blob %d\0" % _length(path), usedforsecurity=False)
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

"""Reads the bodies of HTTP requests within limits."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

import grpc
from starlette.requests import Request

from kerasbert.serving.background import Background
from kerasbert.serving.errors import ServingError, invalid, unavailable
from kerasbert.serving.settings import Settings

_GZIP = 31  # zlib's window bits for gzip
_SMALL = 64 * 1024  # bytes; smaller bodies are not rejected because of the total
_LIST = 64  # bytes of a list or dict in Python


class BodyReader:
    """Reads bodies, and limits the total memory of all requests in progress."""

    def __init__(self, settings: Settings, background: Background):
        self._settings = settings
        self._background = background
        self._held = 0
        self._coming: dict[_Body, None] = {}  # incomplete bodies, the oldest first

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Yields the body, decompressed if it is gzip; counts it towards the total while the block runs.

        Raises:
            ServingError: the body is too large, too slow, or not valid gzip.
        """
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > self._settings.max_body:
            raise self._too_large()
        held = _Body()
        try:
            content = await self._received(request, held)
            if "gzip" in request.headers.get("content-encoding", "").lower():
                # Never on the event loop: a small body may decompress to a large one.
                content = await self._background.run(self._settings.max_body, self._decompressed, content)
                self._hold(held, len(content))
            if len(content) > _SMALL:
                lists = content.count(b"[") + content.count(b"{")
                self._hold(held, _LIST * min(lists, self._settings.max_fields))
            yield content
        finally:
            self._held -= held.size

    async def _received(self, request: Request, held: "_Body") -> bytes:
        body = bytearray()
        self._coming[held] = None
        try:
            async with asyncio.timeout(self._settings.client_timeout) as held.timeout:
                async for chunk in request.stream():
                    self._hold(held, len(chunk))
                    body += chunk
                    if len(body) > self._settings.max_body:
                        raise self._too_large()
        except TimeoutError:
            raise ServingError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the request was not complete within {self._settings.client_timeout:g} s",
                http_status=408,
            ) from None
        finally:
            self._coming.pop(held, None)
        return bytes(body)

    def _hold(self, held: "_Body", size: int) -> None:
        """Counts bytes; above the limit, cancels the large body that has been incomplete the longest."""
        held.size += size
        self._held += size
        if self._held <= self._settings.max_bodies or held.size <= _SMALL:
            return
        oldest = next((body for body in self._coming if body.size > _SMALL), held)
        if oldest is held or oldest.timeout is None:
            raise unavailable("The server has too many large requests in progress")
        del self._coming[oldest]
        self._held, oldest.size = self._held - oldest.size, 0
        oldest.timeout.reschedule(0.0)

    def _decompressed(self, body: bytes) -> bytes:
        unpacker = zlib.decompressobj(_GZIP)
        try:
            content = unpacker.decompress(body, self._settings.max_body + 1)
        except zlib.error as error:
            raise invalid("the body is not gzip, although its Content-Encoding says so") from error
        if len(content) > self._settings.max_body:
            raise self._too_large()
        if not unpacker.eof:
            raise invalid("the gzip body is truncated")
        return content

    def _too_large(self) -> ServingError:
        return ServingError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"the body is too large; this server accepts {self._settings.max_body} bytes",
            http_status=413,
        )


class _Body:
    """The memory accounting of one request."""

    size = 0
    timeout: asyncio.Timeout | None = None

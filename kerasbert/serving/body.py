"""Reading the body of an HTTP request, within bounds."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable

import grpc
from starlette.requests import Request

from kerasbert.serving.errors import ServingError, invalid, unavailable
from kerasbert.serving.settings import Settings

_GZIP = 31  # zlib's window bits for gzip


class BodyReader:
    """Reads bodies; knows how much all requests in work hold together."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._held = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Yields the body, unpacked if it is gzip; counts it as held while the block runs.

        Raises:
            ServingError: it is too large, too slow, or not the gzip it says it is.
        """
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._settings.max_body:
            raise self._too_large()
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            held += size
            self._held += size
            if self._held > self._settings.max_bodies:
                raise unavailable("The server has too many large requests in work")

        try:
            body = await self._received(request, hold)
            if "gzip" in request.headers.get("content-encoding", "").lower():
                body = self._unpacked(body)
                hold(len(body))
            yield body
        finally:
            self._held -= held

    async def _received(self, request: Request, hold: Callable[[int], None]) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.patience):
                async for chunk in request.stream():
                    hold(len(chunk))
                    body += chunk
                    if len(body) > self._settings.max_body:
                        raise self._too_large()
        except TimeoutError:
            raise ServingError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the request did not come whole within {self._settings.patience:g} s",
                http_status=408,
            ) from None
        return bytes(body)

    def _unpacked(self, body: bytes) -> bytes:
        unpacker = zlib.decompressobj(_GZIP)
        try:
            content = unpacker.decompress(body, self._settings.max_body + 1)
        except zlib.error as error:
            raise invalid("the body is not gzip, as its Content-Encoding says") from error
        if len(content) > self._settings.max_body:
            raise self._too_large()
        if not unpacker.eof:
            raise invalid("the gzip of the body ends too early")
        return content

    def _too_large(self) -> ServingError:
        return ServingError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"the body is too large; this server takes {self._settings.max_body} bytes",
            http_status=413,
        )

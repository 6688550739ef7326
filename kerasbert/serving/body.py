"""Reading the body of an HTTP request, within bounds."""

import asyncio
import zlib

import grpc
from starlette.requests import Request

from kerasbert.serving.errors import ServingError, invalid, unavailable
from kerasbert.serving.settings import Settings

_GZIP = 31  # zlib's window bits for gzip


class BodyReader:
    """Reads bodies; knows how much all requests being read hold together."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """Returns the body, unpacked if it is gzip.

        Raises:
            ServingError: it is too large, too slow, or not the gzip it says it is.
        """
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._settings.max_body:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.patience):
                async for chunk in request.stream():
                    size += len(chunk)
                    self._held += len(chunk)
                    if size > self._settings.max_body:
                        raise self._too_large()
                    if self._held > self._settings.max_bodies:
                        raise unavailable("The server is reading too many large requests")
                    chunks.append(chunk)
        except TimeoutError:
            raise ServingError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the request did not come whole within {self._settings.patience:g} s",
                http_status=408,
            ) from None
        finally:
            self._held -= size
        body = b"".join(chunks)
        if "gzip" in request.headers.get("content-encoding", "").lower():
            return self._unpacked(body)
        return body

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

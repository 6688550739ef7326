"""HTTP connections that do not wait for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """Closes a connection whose client is too slow to say what it wants.

    uvicorn limits the time between requests, but neither that of the first request line nor that of
    headers which come byte by byte. All take uvicorn's `timeout_keep_alive` here.
    """

    _waiting_since: float | None = None

    def connection_made(self, transport: Any) -> None:
        """Starts to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Goes on waiting where the request is not whole."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._waiting_since = None

    def _wait(self) -> None:
        if self.transport.is_closing():
            return
        loop = asyncio.get_running_loop()
        self._waiting_since = loop.time() if self._waiting_since is None else self._waiting_since
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = loop.call_at(
            self._waiting_since + self.timeout_keep_alive, self.transport.close
        )

"""HTTP connections that wait for nobody for ever, and let nobody go without an answer."""

import asyncio
import re
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from kerasbert.serving.connections import Connections, LingeringTransport

_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_LINGER = 2.0  # seconds that an idle connection lasts when the server stops
_MOST_PIECES = 4096  # of a body, and one more for every 64 bytes: each costs time


class PatientProtocol(H11Protocol):
    """Closes a connection whose client is too slow to say what it wants.

    uvicorn limits the time between requests, but neither that of the first request line nor that of
    headers which come byte by byte. All take uvicorn's `timeout_keep_alive` here.

    Args:
        all_connections: counts this one.
        config: of uvicorn.
        options: of uvicorn.
    """

    _waiting_since: float | None = None

    def __init__(self, all_connections: Connections, config: Any, **options: Any):
        super().__init__(config, **options)
        self.conn = _Connection(h11.SERVER, config.h11_max_incomplete_event_size)
        self._all = all_connections
        self._stopping = False

    def connection_made(self, transport: Any) -> None:
        """Starts to wait for a request."""
        super().connection_made(LingeringTransport(transport, self.timeout_keep_alive))  # type: ignore[arg-type]
        self._all.add(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Frees its place."""
        self._all.remove(self)
        self.transport.forget()  # type: ignore[attr-defined]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Goes on waiting where the request is not whole."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._waiting_since = None
            self._all.move(self, self._all.sending if self.cycle.more_body else None)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answers a client that has sent all it had to send, and still listens."""
        if self.transport.is_closing() or self.cycle is None or self.cycle.more_body:
            return None
        self.cycle.keep_alive = False
        return not self.cycle.response_complete

    def send_400_response(self, msg: str) -> None:
        """Refuses, unless an answer is on its way already."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        self.transport.close()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Starts to wait for the next request."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._all.move(self, self._all.idle)

    def shutdown(self) -> None:
        """Lets the client have its answer, or one to a last request, and tells it to close."""
        if CLOSE_HEADER not in self.server_state.default_headers:
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE_HEADER]
        self._stopping = True
        if self.cycle is None or self.cycle.response_complete:
            self._waiting_since = None
            self._wait()
        elif not self.cycle.response_started:
            self.cycle.default_headers = self.server_state.default_headers
        else:
            self.cycle.keep_alive = False

    def _wait(self) -> None:
        if self.transport.is_closing():
            return
        loop = asyncio.get_running_loop()
        self._waiting_since = loop.time() if self._waiting_since is None else self._waiting_since
        self._unset_keepalive_if_required()
        seconds = _LINGER if self._stopping else self.timeout_keep_alive
        self.timeout_keep_alive_task = loop.call_at(self._waiting_since + seconds, self.transport.close)


class _Connection(h11.Connection):
    """Refuses what two servers could take for two different requests, and bodies in crumbs."""

    _pieces = 0
    _bytes = 0

    def next_event(self) -> Any:
        """Returns the next event; of a request with an absolute target, the path as target."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
            names = {name for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
            if absolute := _ABSOLUTE.match(event.target):
                event = h11.Request(
                    method=event.method,
                    headers=event.headers,
                    target=event.target[absolute.end() :] or b"/",
                    http_version=event.http_version,
                )
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            if self._pieces > _MOST_PIECES + self._bytes // 64:
                raise h11.RemoteProtocolError("a body in too many chunks")
        return event

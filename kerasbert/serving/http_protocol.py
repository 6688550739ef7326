"""HTTP connections with timeouts, stricter parsing and graceful shutdown."""

import asyncio
import re
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from kerasbert.serving.connections import Connections, LingeringTransport

_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_LINGER = 2.0  # seconds until an idle connection is closed when the server stops
_MOST_PIECES = 4096  # maximum chunks of a body, plus one per 64 bytes, since each costs time


class TimeoutProtocol(H11Protocol):
    """Closes connections whose clients send a request too slowly.

    uvicorn limits the time between requests, but not the time until the first request line or the end of
    the headers. Here `timeout_keep_alive` applies to all of them.

    Args:
        all_connections: registers this connection.
        config: uvicorn's configuration.
        options: uvicorn's other arguments.
    """

    _waiting_since: float | None = None

    def __init__(self, all_connections: Connections, config: Any, **options: Any):
        super().__init__(config, **options)
        self.conn = _Connection(h11.SERVER, config.h11_max_incomplete_event_size)
        self._all = all_connections
        self._stopping = False

    def connection_made(self, transport: Any) -> None:
        """Starts the timeout of the first request."""
        super().connection_made(LingeringTransport(transport, self.timeout_keep_alive))  # type: ignore[arg-type]
        self._all.add(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregisters the connection."""
        self._all.remove(self)
        self.transport.forget()  # type: ignore[attr-defined]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Continues the timeout if the request is incomplete."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._waiting_since = None
            self._all.move(self, self._all.sending if self.cycle.more_body else None)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answers a client that has closed its sending side but still reads."""
        if self.transport.is_closing() or self.cycle is None or self.cycle.more_body:
            return None
        self.cycle.keep_alive = False
        return not self.cycle.response_complete

    def send_400_response(self, msg: str) -> None:
        """Sends an error, unless a response has already been started."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        self.transport.close()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Starts the timeout of the next request."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._all.move(self, self._all.idle)

    def shutdown(self) -> None:
        """Finishes the current request, or accepts one last request, and asks the client to close."""
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
    """Rejects ambiguous framing (request smuggling) and bodies in too many tiny chunks."""

    _pieces = 0
    _bytes = 0

    def next_event(self) -> Any:
        """Returns the next event; an absolute request target is reduced to its path."""
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

"""Limits the open connections of an HTTP server, and closes connections gracefully."""

import asyncio
from typing import Any, Protocol

_LINGER = 2.0  # seconds for a client to close its side


class Closable(Protocol):
    """Owns a connection."""

    transport: Any


class Connections:
    """Closes a connection for each new one above a limit.

    Connections without any request are closed first, then those between two requests, then those with an
    incomplete request; within each group the longest waiting first. A request in progress is never closed.

    Args:
        most: maximum number of open connections.
    """

    def __init__(self, most: int):
        self._most = most
        self._open: set[Closable] = set()
        self.fresh: dict[Closable, None] = {}
        self.idle: dict[Closable, None] = {}
        self.sending: dict[Closable, None] = {}

    def add(self, connection: Closable) -> None:
        """Registers a new connection, closing another one above the limit."""
        if len(self._open) >= self._most:
            spare = next((one for kind in (self.fresh, self.idle, self.sending) for one in kind), connection)
            spare.transport.abort()
            self.remove(spare)
            if spare is connection:
                return
        self._open.add(connection)
        self.fresh[connection] = None

    def move(self, connection: Closable, kind: dict[Closable, None] | None) -> None:
        """Moves a connection to another group; None: its request is in progress."""
        if connection not in self._open or (kind is not None and connection in kind):
            return
        for other in (self.fresh, self.idle, self.sending):
            other.pop(connection, None)
        if kind is not None:
            kind[connection] = None

    def remove(self, connection: Closable) -> None:
        """Unregisters a connection."""
        self.move(connection, None)
        self._open.discard(connection)


class LingeringTransport:
    """A transport that waits for the client before it closes.

    Closing a socket with unread data resets the connection, and the client may lose the answer. So `close`
    only shuts down our side, and further data from the client is discarded.

    Args:
        transport: the real transport.
        timeout: seconds in which the client must have read some of the answer.
    """

    def __init__(self, transport: Any, timeout: float):
        self._transport = transport
        self._timeout = timeout
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more will be sent or read."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Sends the remaining data, then shuts down our side."""
        if self.is_closing():
            return
        self._closing = True
        self._transport.resume_reading()
        self._transport.write_eof()
        self._wait(self._transport.get_write_buffer_size())

    def forget(self) -> None:
        """Stops waiting, since the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, left: int) -> None:
        seconds = self._timeout if left else _LINGER
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look, left)

    def _look(self, before: int) -> None:
        left = self._transport.get_write_buffer_size()
        if before and left < before:
            self._wait(left)
        else:
            self._transport.abort()

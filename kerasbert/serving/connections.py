"""The connections of an HTTP server, and which of them can be spared."""

import asyncio
from typing import Any, Protocol

_LINGER = 2.0  # seconds in which a client may notice that it is to close


class Closable(Protocol):
    """What holds a connection."""

    transport: Any


class Connections:
    """Closes a connection for each that comes when there are enough.

    Those go first that never asked anything, then those between two requests, then those whose request is
    not whole; of each the one that has waited longest. A request in work is never given up.

    Args:
        most: open at once.
    """

    def __init__(self, most: int):
        self._most = most
        self._open: set[Closable] = set()
        self.fresh: dict[Closable, None] = {}
        self.idle: dict[Closable, None] = {}
        self.sending: dict[Closable, None] = {}

    def add(self, connection: Closable) -> None:
        """Counts a new connection; it may cost another its place."""
        if len(self._open) >= self._most:
            spare = next((one for kind in (self.fresh, self.idle, self.sending) for one in kind), connection)
            spare.transport.abort()
            self.remove(spare)
            if spare is connection:
                return
        self._open.add(connection)
        self.fresh[connection] = None

    def move(self, connection: Closable, kind: dict[Closable, None] | None) -> None:
        """Notes what a connection does now; None: its request is in work."""
        if connection not in self._open or (kind is not None and connection in kind):
            return
        for other in (self.fresh, self.idle, self.sending):
            other.pop(connection, None)
        if kind is not None:
            kind[connection] = None

    def remove(self, connection: Closable) -> None:
        """Forgets a connection."""
        self.move(connection, None)
        self._open.discard(connection)


class LingeringTransport:
    """A transport that waits for the client before it closes.

    A socket that is closed while something lies in it unread is reset, and the client may lose the answer
    that was sent before. So `close` ends our side only, and what still comes is dropped.

    Args:
        transport: the real one.
        patience: seconds in which some of an answer must have been taken.
    """

    def __init__(self, transport: Any, patience: float):
        self._transport = transport
        self._patience = patience
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more will be sent or read."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Sends what there is to send, and the end."""
        if self.is_closing():
            return
        self._closing = True
        self._transport.resume_reading()
        self._transport.write_eof()
        self._wait(self._transport.get_write_buffer_size())

    def forget(self) -> None:
        """Ends the waiting, since the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, left: int) -> None:
        seconds = self._patience if left else _LINGER
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look, left)

    def _look(self, before: int) -> None:
        left = self._transport.get_write_buffer_size()
        if before and left < before:
            self._wait(left)
        else:
            self._transport.abort()

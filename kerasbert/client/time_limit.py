"""A time limit for a whole request over HTTP."""

import functools
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2


class TimeLimit(threading.local):
    """Ends the request of the current thread in time, even if its answer comes byte by byte.

    The timeout of httpx2 starts again with each read from the connection.
    """

    _end = math.inf

    def start(self, seconds: float) -> None:
        """Starts the time of the thread's next request."""
        self._end = time.monotonic() + seconds

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Limits the reads of new connections; a `trace` callback of httpx2."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = info["return_value"]
            stream.read = functools.partial(self._read, stream.read)

    def _read(self, read: Callable[..., bytes], size: int, timeout: float | None = None) -> bytes:
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpx2.ReadTimeout("")
        return read(size, left if timeout is None else min(timeout, left))

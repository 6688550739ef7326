"""Ctrl-C: messages about what is kept, and sections that must not be interrupted."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def kept(what: str) -> Iterator[None]:
    """Adds the message `what` to a `KeyboardInterrupt` in the block, unless it has one already."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(*(interrupt.args or [what])) from None


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Delays Ctrl-C until the end of the block, which must be short, or an import, which could lose it."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        handler(*came[0])

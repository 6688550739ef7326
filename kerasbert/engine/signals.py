"""Handles Ctrl-C, and SIGTERM, by which schedulers announce a preemption."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from kerasbert.errors import KerasBertError


class PreemptedError(KerasBertError):
    """The training was stopped by SIGTERM, after saving a checkpoint."""

    exit_code = 128 + signal.SIGTERM  # which cluster managers take for "try again"


class Termination:
    """Inside the block, SIGTERM sets `requested`; Ctrl-C sets `interrupted`, and a second one raises.

    An exception out of a signal handler can be lost in the code that it interrupts.

    Args:
        interrupts: whether Ctrl-C is like SIGTERM.
    """

    def __init__(self, interrupts: bool = False):
        self.requested = self.interrupted = self._at_once = False
        self._interrupts = interrupts
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Termination":
        if threading.current_thread() is threading.main_thread():  # only it may set handlers
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises `KeyboardInterrupt` if Ctrl-C was pressed."""
        if self.interrupted:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Lets Ctrl-C interrupt the block at once, for work that can be repeated."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _request(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM or self._interrupts:
            self.requested = True
        else:
            self.check()
            self.interrupted = True
            if self._at_once:
                self.check()

"""SIGTERM, by which schedulers announce that a machine will be taken away."""

import signal
import threading
from types import FrameType
from typing import Any

from kerasbert.errors import KerasBertError


class PreemptedError(KerasBertError):
    """The training was told to end, and saved a checkpoint to resume from."""

    exit_code = 128 + signal.SIGTERM  # which cluster managers take for "try again"


class Termination:
    """Inside the block, SIGTERM sets `requested` instead of ending the process.

    Args:
        interrupts: whether Ctrl-C does so too.
    """

    def __init__(self, interrupts: bool = False):
        self.requested = False
        self._signals = [signal.SIGTERM, *([signal.SIGINT] if interrupts else [])]
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Termination":
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            self._before = {number: signal.signal(number, self._request) for number in self._signals}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True

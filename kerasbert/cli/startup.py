"""Importing what a command needs."""

import contextlib
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from types import FrameType

from kerasbert import progress
from kerasbert.cli.interrupts import STATUS, say
from kerasbert.startup import quiet_import


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Imports in the block say nothing but how long they take, and end with the process at Ctrl-C."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with progress.phase("loading libraries"), _ended_by_ctrl_c(), quiet_import():
        yield


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """A `KeyboardInterrupt` inside an import can be lost, or come out as another error."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    say("Interrupted: nothing was begun.")
    os._exit(STATUS)

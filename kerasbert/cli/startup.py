"""Imports of commands: quiet, with progress, and interruptible."""

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
    """Shows progress while the block imports libraries, silences them, and exits at once on Ctrl-C."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with progress.phase("loading libraries"), _ended_by_ctrl_c(), quiet_import():
        yield


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Exits on Ctrl-C: a `KeyboardInterrupt` inside an import can be lost or become another error."""
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
    say("Interrupted: nothing was started.")
    os._exit(STATUS)

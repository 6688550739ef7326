"""Ctrl-C handling: acknowledged at once, and reported in one line."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kerasbert import progress

if TYPE_CHECKING:
    from rich.console import Console

STATUS = 128 + signal.SIGINT


class Interrupted(Exception):  # noqa: N818, it is not an error
    """Ctrl-C ended a command; the message says what was kept. Click does not handle it."""


@contextlib.contextmanager
def acknowledged(display: progress.Display) -> Iterator[None]:
    """Reports Ctrl-C at once, even while C code keeps Python from handling it."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, display), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)  # ends the thread


def say(text: str) -> None:
    """Prints a line above the progress display."""
    _print(progress.console(), text)


def leave(status: int) -> None:
    """Ends the process at once, without waiting for threads that wait for a server."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _watch(reader: int, display: progress.Display) -> None:
    with open(reader, "rb", buffering=0) as signals:
        while numbers := signals.read(1):
            if numbers[0] == signal.SIGINT:
                _print(display.console, "Stopping ...")


def _print(console: "Console", text: str) -> None:
    with contextlib.suppress(OSError):
        progress.print_plain(console, text)

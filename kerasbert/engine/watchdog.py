"""A watchdog for operations that may block forever."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# Runs in another process, since the operation may hold the GIL and block all signals.
_WATCH = """
import os, signal, sys, time
parent, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while os.getppid() == parent:
    if time.monotonic() > end:
        sys.stderr.write(f"Error: {sys.argv[3]}\\n")
        sys.stderr.flush()
        os.kill(parent, signal.SIGKILL)
    time.sleep(0.2)
"""


@contextlib.contextmanager
def watchdog(minutes: float, message: str) -> Iterator[None]:
    """Ends this process with `message` if the block has not finished in time."""
    arguments = [str(os.getpid()), str(60 * minutes), message]
    watch = subprocess.Popen([sys.executable, "-I", "-c", _WATCH, *arguments])
    try:
        yield
    finally:
        watch.kill()
        watch.wait()

"""Runs work on large requests outside the event loop."""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
Steps = Generator[None, None, Result]

_SMALL = 16 * 1024  # bytes; smaller work is done at once on the event loop
_SLICE = 0.002  # seconds of work, followed by as many of sleep, which leaves the GIL to small requests


class Background:
    """A single thread on which large requests take turns.

    More threads would compete with the event loop for the GIL. Work in steps is done a slice at a time, so
    that requests are interleaved, and it stops when the awaiting task is cancelled.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="background")

    async def run(self, size: int, function: Callable[..., Result], *arguments: Any) -> Result:
        """Calls `function`, on the thread if `size`, the number of bytes it handles, is large."""
        if size <= _SMALL:
            return function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def finish(self, size: int, steps: Steps[Result]) -> Result:
        """Runs a generator to its end, like `run`, and returns its return value."""
        if size <= _SMALL:
            return finish(steps)
        loop, done, result = asyncio.get_running_loop(), False, None
        while not done:
            done, result = await loop.run_in_executor(self._pool, _slice, steps)
        return cast(Result, result)

    def close(self) -> None:
        """Ends the thread once it is idle."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def finish(steps: Steps[Result]) -> Result:
    """Runs a generator to its end and returns its return value."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _slice(steps: Steps[Any]) -> tuple[bool, Any]:
    """Advances a generator for one slice; returns whether it is done, and its return value."""
    end = time.monotonic() + _SLICE
    try:
        while time.monotonic() < end:
            next(steps)
    except StopIteration as stop:
        return True, stop.value
    time.sleep(_SLICE)
    return False, None

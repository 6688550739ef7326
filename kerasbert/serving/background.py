"""Work on requests that would hold up the event loop."""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
Steps = Generator[None, None, Result]

_SMALL = 16 * 1024  # bytes that are read or written on the spot
_SLICE = 0.002  # seconds of work, and as many of rest, in which the interpreter is for small requests alone


class Background:
    """One thread, on which large requests take turns.

    More threads would only fight for the interpreter, and the event loop would lose. Work that comes in
    steps is done a slice at a time, so that a request waits for slices of the others, not for their end;
    and it ends with the task that waits for it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="background")

    async def run(self, size: int, function: Callable[..., Result], *arguments: Any) -> Result:
        """Returns what `function` returns; `size` is how many bytes it works on."""
        if size <= _SMALL:
            return function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def finish(self, size: int, steps: Steps[Result]) -> Result:
        """Returns what a generator returns in the end."""
        if size <= _SMALL:
            return finish(steps)
        loop, done, result = asyncio.get_running_loop(), False, None
        while not done:
            done, result = await loop.run_in_executor(self._pool, _slice, steps)
        return cast(Result, result)

    def close(self) -> None:
        """Ends the thread, once it is idle."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def finish(steps: Steps[Result]) -> Result:
    """Returns what a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _slice(steps: Steps[Any]) -> tuple[bool, Any]:
    """Advances a generator for some time; returns whether it is done, and its result."""
    end = time.monotonic() + _SLICE
    try:
        while time.monotonic() < end:
            next(steps)
    except StopIteration as stop:
        return True, stop.value
    time.sleep(_SLICE)
    return False, None

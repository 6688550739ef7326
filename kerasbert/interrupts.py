"""Saying what Ctrl-C leaves behind."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def kept(what: str) -> Iterator[None]:
    """Lets a `KeyboardInterrupt` out of the block say what is left; the innermost block knows best."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(*(interrupt.args or [what])) from None

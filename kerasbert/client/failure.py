"""What goes wrong between client and server."""

import contextlib
from collections.abc import Iterator

from kerasbert.errors import KerasBertError, ServerError


class Failure(Exception):  # noqa: N818, it becomes an error only when no further try is left
    """One request failed.

    Args:
        message: what happened, without the URL.
        again: another try may succeed.
        connected: the server was reached.
        error: what becomes of it when it is not tried again.
    """

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        connected: bool = True,
        error: type[KerasBertError] = ServerError,
    ):
        super().__init__(" ".join(message.split())[:500])
        self.again, self.connected, self.error = again, connected, error


@contextlib.contextmanager
def reading_answer() -> Iterator[None]:
    """Turns what goes wrong in taking an answer apart into a `Failure`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise garbled(f"{type(error).__name__}: {error}") from error


def garbled(reason: object) -> Failure:
    """Returns the failure of an answer that breaks the protocol."""
    return Failure(f"answers something else than TensorFlow Serving ({reason}). Name the port of one.")

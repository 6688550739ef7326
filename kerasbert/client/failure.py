"""What goes wrong between client and server."""

import contextlib
from collections.abc import Iterator

from kerasbert.errors import KerasBertError, ServerError, one_line


class Failure(Exception):  # noqa: N818, it becomes an error only when no further try is left
    """One request failed.

    Args:
        message: what happened, without the URL.
        again: another try may succeed.
        answered: the server gave an answer, if not the wanted one.
        error: what becomes of it when it is not tried again.
    """

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        answered: bool = True,
        error: type[KerasBertError] = ServerError,
    ):
        super().__init__(one_line(message, 500))
        self.again, self.answered, self.error = again, answered, error


@contextlib.contextmanager
def reading_answer() -> Iterator[None]:
    """Turns what goes wrong in taking an answer apart into a `Failure`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise garbled(f"{type(error).__name__}: {error}") from error


def unreachable(reason: object, *, again: bool = True) -> Failure:
    """Returns the failure of a connection that was never made."""
    message = f"cannot be reached ({reason}). Start the server or mend the URL"
    return Failure(message, again=again, answered=False)


def no_answer(timeout: float) -> Failure:
    """Returns the failure of a request that took too long, in seconds."""
    return Failure(f"gave no answer within {timeout:.3g} s", again=True, answered=False)


def garbled(reason: object) -> Failure:
    """Returns the failure of an answer that breaks the protocol."""
    return Failure(f"answers something else than TensorFlow Serving ({reason}). Name the port of one")

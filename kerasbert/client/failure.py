"""Failures between client and server."""

import contextlib
import os
from collections.abc import Iterator

from kerasbert.errors import KerasBertError, ServerError, UserError, one_line


class Failure(Exception):  # noqa: N818, it becomes an error only after the last attempt
    """One attempt of a request failed.

    Args:
        message: what happened, without the URL.
        again: whether a retry may succeed.
        answered: whether the server sent an answer.
        error: the error to raise if the request is not retried.
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
    """Turns errors while parsing an answer into a `Failure`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise garbled(f"{type(error).__name__}: {error}") from error


def unreachable(reason: object, *, again: bool = True) -> Failure:
    """Returns the failure of a connection that could not be opened."""
    message = f"cannot be reached ({reason}). Start the server or correct the URL"
    return Failure(message, again=again, answered=False)


def unreadable_authorities(error: OSError) -> UserError:
    """Returns the error of certificate authorities that cannot be loaded."""
    path = os.environ.get("SSL_CERT_FILE")
    return UserError(f"SSL_CERT_FILE: {path}: has no readable certificates ({error}). Correct or unset it.")


def no_answer(timeout: float) -> Failure:
    """Returns the failure of a request that timed out after `timeout` seconds."""
    return Failure(f"did not answer within {timeout:.3g} s", again=True, answered=False)


def garbled(reason: object) -> Failure:
    """Returns the failure of an answer that violates the protocol."""
    return Failure(f"does not answer like TensorFlow Serving ({reason}). Check the port")

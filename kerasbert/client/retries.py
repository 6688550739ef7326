"""Retries of requests."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from tenacity import (
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_before_delay,
    stop_when_event_set,
    wait_random_exponential,
)

from kerasbert.client.failure import Failure

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0  # upper bounds in seconds of the random waits

Answer = TypeVar("Answer")


class Retries:
    """Sends requests to one server, with exponential back-off and jitter.

    Until the server has answered once, failures are not retried, since the URL may be wrong.

    Args:
        url: the server's URL, for messages.
        timeout: seconds for one attempt.
        deadline: seconds for a request, including retries.
    """

    def __init__(self, url: str, timeout: float, deadline: float):
        self._url, self._timeout, self._deadline = url, timeout, deadline
        self._has_answered = False

    def ask(self, request: Callable[[float], Answer], stopped: Event) -> Answer:
        """Calls `request` until it succeeds, and returns its result.

        Args:
            request: takes a timeout in seconds; raises `Failure` if it fails.
            stopped: set to stop retrying.

        Raises:
            KerasBertError: the error of the last failure.
        """
        start = time.monotonic()

        def once() -> Answer:
            left = self._deadline - (time.monotonic() - start)
            answer = request(min(self._timeout, left))
            self._has_answered = True
            return answer

        retrying = Retrying(
            retry=retry_if_exception(self._may_help),
            wait=wait_random_exponential(_FIRST_WAIT, _LONGEST_WAIT),
            stop=stop_before_delay(self._deadline) | stop_when_event_set(stopped),
            sleep=sleep_using_event(stopped),
            reraise=True,
        )
        try:
            return retrying(once)
        except Failure as failure:
            tries = retrying.statistics["attempt_number"]
            effort = f" ({tries} tries in {time.monotonic() - start:.1f} s)" if tries > 1 else ""
            raise failure.error(f"{self._url}: {failure}{effort}.") from failure

    def _may_help(self, error: BaseException) -> bool:
        if not isinstance(error, Failure):
            return False
        self._has_answered = self._has_answered or error.answered
        return error.again and self._has_answered

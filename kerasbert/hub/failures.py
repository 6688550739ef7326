"""What the user reads when a request to a hub fails."""

from dataclasses import dataclass

import httpx2

from kerasbert.errors import CheckpointError, KerasBertError, ServerError, one_line
from kerasbert.hub.address import Address


@dataclass(frozen=True)
class Hub:
    """A hub, as messages speak of it.

    Args:
        endpoint: its URL.
        variable: the environment variable that sets it.
        log_in: how to be known there.
        instead: what to do where it cannot be reached.
    """

    endpoint: str
    variable: str
    log_in: str
    instead: str

    def not_found(self, address: Address) -> KerasBertError:
        """There is no such repository, or none for this user: hubs do not say which."""
        return CheckpointError(
            f"{address}: {self.endpoint} has no such repository, or it is private. Check owner and name; "
            f"for a private one, {self.log_in}."
        )

    def no_revision(self, address: Address) -> KerasBertError:
        """The repository is there, the revision is not."""
        return CheckpointError(
            f"{address}: {address.repository} has no revision {address.revision!r}. Name a branch, a tag or "
            f"a commit of it, or leave out @{address.revision}."
        )

    def refused(self, address: Address, status: int, reason: object = "") -> KerasBertError:
        """The hub answered with an HTTP status other than success."""
        said = f" ({one_line(reason, 120)})" if reason else ""
        if status == 401:
            return CheckpointError(
                f"{address}: {self.endpoint} does not accept the token{said}. Correct it: {self.log_in}."
            )
        if status == 403:
            return CheckpointError(
                f"{address}: {self.endpoint} does not let you read it{said}. If it is private or its owner "
                f"grants access, {self.log_in}."
            )
        if 400 <= status < 500 and status not in (408, 429):
            return CheckpointError(
                f"{address}: {self.endpoint} answers with HTTP status {status}{said}. Is {self.variable} the "
                "URL of a hub?"
            )
        return ServerError(
            f"{address}: {self.endpoint} fails with HTTP status {status}{said}. Try again later. "
            f"{self.instead}"
        )

    def unreachable(self, address: Address, error: Exception) -> KerasBertError:
        """There is no answer, or not one of a hub."""
        reason = one_line(error, 120) or type(error).__name__
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
            return CheckpointError(
                f"{address}: {self.variable} must be a URL with https://. Received: {self.endpoint!r}"
            )
        if isinstance(error, httpx2.TransportError):
            return ServerError(f"{address}: {self.endpoint} cannot be reached ({reason}). {self.instead}")
        return ServerError(
            f"{address}: {self.endpoint} does not answer as a hub does ({reason}). Is {self.variable} right? "
            "A proxy or login page may be on the way."
        )

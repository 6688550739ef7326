"""The result of one check."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    subject: str
    detail: str
    ok: bool = True

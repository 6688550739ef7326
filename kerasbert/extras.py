"""Packages that only an extra of kerasbert brings."""

import contextlib
from collections.abc import Iterator

from kerasbert.errors import UserError


@contextlib.contextmanager
def needs_extra(extra: str, what: str, otherwise: str = "") -> Iterator[None]:
    """Says in one line what to install if an import in the block finds no package.

    Args:
        extra: its name, as in `kerasbert[serve]`.
        what: needs the package.
        otherwise: what can be done without it.

    Raises:
        UserError: the package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        alternative = f", or {otherwise}" if otherwise else ""
        raise UserError(
            f"{what} needs {error.name}, which is not installed. Install it with: "
            f"pip install 'kerasbert[{extra}]'{alternative}."
        ) from error

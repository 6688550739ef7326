"""Optional dependencies, installed as extras such as `kerasbert[serve]`."""

import contextlib
from collections.abc import Iterator

from kerasbert.errors import UserError


@contextlib.contextmanager
def needs_extra(extra: str, what: str, otherwise: str = "") -> Iterator[None]:
    """Turns a failing import inside the block into an error that says what to install.

    Args:
        extra: name of the extra, such as `serve`.
        what: the feature that needs the package.
        otherwise: the alternative to installing it, for the message.

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

"""The errors that kerasbert raises. A message says what is wrong, where, and what to do."""

import re
from numbers import Integral

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def one_line(message: object, most: int = 300) -> str:
    """Returns another library's message on one line, cut at a word boundary after `most` characters."""
    line = " ".join(str(message).split())
    if len(line) <= most:
        return line
    return f"{line[:most].rpartition(' ')[0] or line[:most]} ..."


def excerpt(value: object) -> str:
    """Returns a value as a message shows it: on one line, and no more than its beginning."""
    return one_line(value, 60)


def require_count(value: object, name: str, most: int, least: int = 1) -> int:
    """Returns a whole number, of Python or of NumPy, from `least` to `most`; else raises `UserError`."""
    if isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most:
        return int(value)
    raise UserError(
        f"{name}: must be a whole number from {least} to {most}. Received: {excerpt(repr(value))}"
    )


def visible(text: str) -> str:
    """Returns text with control characters escaped, so that a terminal does not obey them; tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class KerasBertError(Exception):
    """An error that is reported in one line; the command line exits with `exit_code`."""

    exit_code = 1


class UserError(KerasBertError):
    """The input or the configuration is wrong, and the user can fix it."""

    exit_code = 2


class ConfigError(UserError):
    """A key or a value of the configuration is wrong."""


class DataError(UserError):
    """A data file is missing, unreadable or does not match the configuration."""


class VocabularyError(UserError):
    """A vocabulary is malformed or does not match the weights."""


class CheckpointError(UserError):
    """A run directory, checkpoint or weights file is missing, damaged, or belongs to another model."""


class PluginError(UserError):
    """A task plugin is unknown or broken."""


class AddressError(UserError):
    """The URL of a served model is malformed, or the server lacks the model or rejects the request."""


class UnavailableError(UserError, AttributeError):
    """This kind of model has no such attribute; `hasattr` returns False for it."""


class ServerError(KerasBertError):
    """A server cannot be reached, does not answer in time, or sends an invalid answer."""


class ExportError(KerasBertError):
    """The SavedModel failed its verification and was not published."""

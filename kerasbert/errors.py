"""The errors that kerasbert raises on purpose. A message says what is wrong, where, and what to do."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def one_line(message: object, most: int = 300) -> str:
    """Returns a message of another library on one line, cut between words after `most` characters."""
    line = " ".join(str(message).split())
    if len(line) <= most:
        return line
    return f"{line[:most].rpartition(' ')[0] or line[:most]} ..."


def excerpt(value: object) -> str:
    """Returns a value as a message shows it: on one line, and no more than its beginning."""
    return one_line(value, 60)


def visible(text: str) -> str:
    """Returns text with control characters spelt out, which a terminal would obey; tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class KerasBertError(Exception):
    """Anything kerasbert reports in one line. The command line ends with `exit_code`."""

    exit_code = 1


class UserError(KerasBertError):
    """The input or the configuration is wrong, and its author can mend it."""

    exit_code = 2


class ConfigError(UserError):
    """A key or a value of the configuration is wrong."""


class DataError(UserError):
    """A data file is missing, unreadable or not what the configuration says."""


class VocabularyError(UserError):
    """A vocabulary is malformed or does not belong to the weights."""


class CheckpointError(UserError):
    """A run directory, a checkpoint or a weights file is missing, damaged or of another model."""


class PluginError(UserError):
    """A task plugin is unknown or broken."""


class AddressError(UserError):
    """The URL of a served model is malformed, or its server has no such model or refuses the request."""


class UnavailableError(UserError, AttributeError):
    """This kind of model has no such attribute. `hasattr` is False, as for any that is missing."""


class ServerError(KerasBertError):
    """A server cannot be reached, gives no answer in time, or answers something else than it should."""


class ExportError(KerasBertError):
    """The SavedModel was not published because it failed its verification."""

"""The language of reports: English or Chinese.

Messages stand in the code in English, as with gettext; `zh.json` has their translations. Keys of JSON files,
errors and progress are always English.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")
_chosen: ContextVar[str | None] = ContextVar("language", default=None)


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Sets the language of what is written in this block; None: that of the locale."""
    token = _chosen.set(language)
    try:
        yield
    finally:
        _chosen.reset(token)


def language() -> str:
    """Returns `en` or `zh`: the one that was set, else that of the locale, as gettext finds it."""
    if chosen := _chosen.get():
        return chosen
    names = (os.environ.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, names), "").lower().startswith("zh") else "en"


def tr(message: str, **values: Any) -> str:
    """Returns a message in the language of the reader, filled in with `values` as `str.format` does.

    Args:
        message: in English, with names in braces where values go.
        values: by name.
    """
    text = translation(message)
    return text.format(**values) if values else text


def translation(message: str) -> str:
    """Returns a message, not filled in, in the language of the reader."""
    return _chinese().get(message, message) if language() == "zh" else message


def listed(names: Sequence[str], most: int, count: int | None = None) -> str:
    """Returns `a, b, c`; beyond the first `most` names only their count, as `and 3 more`.

    Args:
        names: all names, or at least the first `most`.
        most: how many to list.
        count: the total count. None: the length of `names`.
    """
    first = tr(", ").join(names[:most])
    more = (len(names) if count is None else count) - most
    return tr("{first} and {more:,} more", first=first, more=more) if more > 0 else first


@cache
def _chinese() -> dict[str, str]:
    return json.loads(Path(__file__).with_name("zh.json").read_text(encoding="utf-8"))

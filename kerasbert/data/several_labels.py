"""The cell of a row that may have several labels."""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from kerasbert.errors import DataError, excerpt

_PLACES = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
# As NumPy prints it, [1 0 1], or without its brackets. Two places might be two labels.
_ONE_HOT = re.compile(r"\[?\s*[01](\.0?)?([\s,;]+[01](\.0?)?){2,}\s*\]?")


def labels_in_cell(value: Any, separator: str, labels: Sequence[str], place: str) -> list[Any]:
    """Returns the labels of a cell: a list, text that is one, or text split at `separator`.

    Args:
        value: text or a list.
        separator: between labels.
        labels: the names of the places of a one-hot list; empty if nobody named them.
        place: of the cell, for the message.

    Raises:
        DataError: it is a one-hot list whose places have no names.
    """
    items = value if isinstance(value, list) else _items(value.strip(), separator)
    given = [_PLACES.get(str(item).strip().lower()) for item in items]
    if None in given or not _is_one_hot(len(given), labels):
        return items
    if len(given) == len(labels):
        return [label for label, one in zip(labels, given, strict=True) if one]
    named = f"It names {len(labels)}." if labels else "It names none."
    raise DataError(
        f"{place} holds a one-hot list of {len(given)}, whose labels data.labels must name in order. {named} "
        f"Received: {excerpt(value)}"
    )


def _is_one_hot(places: int, labels: Sequence[str]) -> bool:
    # No row has a label twice, as three places of 0 and 1 would.
    return places > 2 or (places == len(labels) == 2 and not set(labels) <= set(_PLACES))


def _items(text: str, separator: str) -> list[Any]:
    if _ONE_HOT.fullmatch(text):
        return re.findall(r"[01]", re.sub(r"\.0?", "", text))
    if text.startswith("[") and text.endswith("]"):
        for read in (json.loads, ast.literal_eval):  # of JSON, and as Python prints lists
            try:
                return list(read(text))
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
    return text.split(separator)

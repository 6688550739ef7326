"""Parses the label cell of a multi-label row."""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from kerasbert.errors import DataError, excerpt

_BOOLEANS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
# As printed by NumPy, [1 0 1], with or without brackets. Two items might be two labels.
_ONE_HOT = re.compile(r"\[?\s*[01](\.0?)?([\s,;]+[01](\.0?)?){2,}\s*\]?")


def labels_in_cell(value: Any, separator: str, labels: Sequence[str], place: str) -> list[Any]:
    """Returns the labels of a cell: a list, a list written as text, or text split at `separator`.

    Args:
        value: text or a list.
        separator: separates labels.
        labels: the labels in the order of a one-hot list; empty if not configured.
        place: location of the cell, for the message.

    Raises:
        DataError: the cell is a one-hot list, but `labels` has another length.
    """
    items = value if isinstance(value, list) else _items(value.strip(), separator)
    flags = [_BOOLEANS.get(str(item).strip().lower()) for item in items]
    if None in flags or not _is_one_hot(len(flags), labels):
        return items
    if len(flags) == len(labels):
        return [label for label, is_set in zip(labels, flags, strict=True) if is_set]
    named = f"It names {len(labels)}." if labels else "It names none."
    raise DataError(
        f"{place} holds a one-hot list of {len(flags)}, whose labels data.labels must name in order. {named} "
        f"Received: {excerpt(value)}"
    )


def _is_one_hot(length: int, labels: Sequence[str]) -> bool:
    # Three items of 0 and 1 cannot be labels, since a row has no label twice.
    return length > 2 or (length == len(labels) == 2 and not set(labels) <= set(_BOOLEANS))


def _items(text: str, separator: str) -> list[Any]:
    if _ONE_HOT.fullmatch(text):
        return re.findall(r"[01]", re.sub(r"\.0?", "", text))
    if text.startswith("[") and text.endswith("]"):
        for read in (json.loads, ast.literal_eval):  # JSON, and lists printed by Python
            try:
                return list(read(text))
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
    return text.split(separator)

"""Labels as strings: sorting, quoting, and the label file."""

import json
import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.errors import CheckpointError
from kerasbert.files import write_text

# Some writers turn a column of integers into 1.0, 2.0, ..., 10.0.
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0+)?")
# Filler letters and variation selectors, which Unicode does not count as format characters.
_UNSEEN = set("\u034f\u115f\u1160\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns `labels` sorted as numbers if all are integers, else as strings."""
    labels = list(labels)
    if all(_WHOLE.fullmatch(label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label.partition(".")[0]), label)))
    return tuple(sorted(labels))


def whole_numbers(values: list[Any]) -> list[Any]:
    """Returns floats that are whole numbers as such: pandas has integers beside a gap as floats.

    Args:
        values: all of a column; what is no float, and NaN, stays as it is.
    """
    numbers = [value for value in values if isinstance(value, float) and value == value]
    if numbers and all(value.is_integer() for value in numbers):
        return [int(v) if isinstance(v, float) and v == v else v for v in values]
    return values


def spelled_as(label: str, known: Container[str]) -> str:
    """Returns a label as it is among those `known`: earlier runs read 1 among floats as 1.0."""
    decimal = f"{label}.0"
    return decimal if label not in known and decimal in known else label


def label_matrix(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """Returns the labels of rows as zeros and ones, float32 [rows, labels]."""
    index = {label: place for place, label in enumerate(labels)}
    matrix = np.zeros([len(rows), len(labels)], np.float32)
    for place, row in enumerate(rows):
        matrix[place, [index[label] for label in row]] = 1
    return matrix


def quoted(label: str) -> str:
    """Returns a label in double quotes, as in YAML, with invisible characters escaped."""
    return "".join(
        c if c == " " or (c.isprintable() and not is_unseen(c)) else json.dumps(c)[1:-1]
        for c in json.dumps(label, ensure_ascii=False)
    )


def is_unseen(character: str) -> bool:
    """Whether a character is invisible: U+200B, a byte-order mark, a control character."""
    return unicodedata.category(character) in ("Cf", "Cc") or character in _UNSEEN


def write_labels(path: Path, labels: Iterable[str]) -> None:
    """Writes one label a line, in the order of their ids."""
    write_text(path, "".join(f"{label}\n" for label in labels))


def read_labels(path: Path) -> list[str]:
    """Reads the file that `write_labels` wrote; CRLF line endings are accepted.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        lines = path.read_bytes().decode().removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}).") from error
    return [line.removesuffix("\r") for line in lines]

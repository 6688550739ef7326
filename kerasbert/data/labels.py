"""Labels as strings: their order, and which differ in nothing that matters."""

import re
from collections.abc import Iterable

# Some writers turn a column of integers into 1.0, 2.0, ..., 10.0.
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0+)?")


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns `labels` in order: as numbers if all are whole numbers, else as strings."""
    labels = list(labels)
    if all(_WHOLE.fullmatch(label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label.partition(".")[0]), label)))
    return tuple(sorted(labels))

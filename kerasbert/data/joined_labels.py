"""Labels that look like several, joined by a separator."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# What joins labels in a cell, and is in no name; what is in names now and then; what often is.
_JOINS, _MAY_JOIN, _SELDOM_JOINS = "|", ",，、;；", "/+& "


@dataclass(frozen=True)
class Joined:
    """The labels that look like several, and what stands between these."""

    separator: str
    labels: tuple[str, ...]


def joined_labels(labels: Iterable[str], but: str | None = None, expected: bool = False) -> Joined | None:
    """Returns the labels that look like several, with the separator that most of them have.

    `房间|早餐` does. `酒店,好` does if one of its parts occurs elsewhere; `体育/足球` only if all its parts
    are labels of their own, or stand now first and now later.

    Args:
        labels: of the rows.
        but: a separator that is not to be looked for.
        expected: rows are to have several labels: `酒店,好` does wherever its parts occur.
    """
    labels = list(labels)
    best = Joined("", ())
    for separator in _JOINS + _MAY_JOIN + _SELDOM_JOINS:
        if separator != but:
            joined = tuple(_joined_by(separator, labels, expected))
            if len(joined) > len(best.labels):
                best = Joined(separator, joined)
    return best if best.labels else None


def _joined_by(separator: str, labels: list[str], expected: bool) -> list[str]:
    parts = {label: [part.strip() for part in label.split(separator)] for label in labels}
    parts = {label: of_label for label, of_label in parts.items() if len(of_label) > 1 and all(of_label)}
    if separator in _JOINS or (expected and separator in _MAY_JOIN):
        return list(parts)
    alone = set(labels)
    first = Counter(of_label[0] for of_label in parts.values())
    later = Counter(part for of_label in parts.values() for part in of_label[1:])
    if separator in _MAY_JOIN:
        return [
            label
            for label, of_label in parts.items()
            if any(part in alone or first[part] + later[part] > 1 for part in of_label)
        ]
    return [
        label
        for label, of_label in parts.items()
        if all(part in alone or (first[part] and later[part]) for part in of_label)
    ]

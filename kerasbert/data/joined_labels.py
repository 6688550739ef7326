"""Finds labels that look like several labels joined by a separator."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Separators that names never contain, sometimes contain and often contain.
_JOINS, _MAY_JOIN, _SELDOM_JOINS = "|", ",，、;；", "/+& "


@dataclass(frozen=True)
class Joined:
    """The labels that look joined, and their separator."""

    separator: str
    labels: tuple[str, ...]


def joined_labels(labels: Iterable[str], but: str | None = None, expected: bool = False) -> Joined | None:
    """Returns the labels that look joined, for the separator that most of them contain.

    `房间|早餐` always counts. `酒店,好` counts if one of its parts occurs elsewhere; `体育/足球` only if each
    part is a label by itself, or occurs both in first and in later position.

    Args:
        labels: labels of the rows.
        but: a separator to ignore.
        expected: whether rows should have several labels; if so, `酒店,好` always counts.
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

"""Warnings about labels that would weaken a training, one sentence each."""

from collections.abc import Mapping, Sequence

from kerasbert.data.columns import Columns
from kerasbert.data.joined_labels import joined_labels
from kerasbert.data.labels import quoted
from kerasbert.data.load import Rows
from kerasbert.data.near_equal import NearEqual, closest, did_you_mean, near_equal
from kerasbert.listing import SHOWN, join_all, join_first

_FEW, _MANY = 5, 10  # rows of a label
_MANY_LABELS = 100
_UNEVEN = 10  # ratio of the most to the least frequent label


def check_labels(
    name: str, rows: Rows, labels: Sequence[str], columns: Columns, configured: Sequence[str]
) -> list[str]:
    """Returns warnings about the labels of rows to train on; see `check_training_rows`."""
    counts = rows.label_counts
    if len(counts) > max(_MANY_LABELS, len(rows) / 2):
        return [
            f"{name}: {len(counts):,} labels in {len(rows):,} rows: is {columns.label!r} really the label "
            "column?"
        ]
    alike = near_equal({**dict.fromkeys(configured, 0), **counts})
    warnings = _near_equal(name, alike, counts) + _absent(name, rows, labels)
    joined = _joined(name, rows, columns)
    # The counts mean nothing if several labels were read as one.
    return warnings + (joined or [*_rare(name, counts, alike), *_uneven(name, counts, alike)])


def check_label_map(columns: Columns, labels: Sequence[str]) -> list[str]:
    """Returns a warning if `data.label_map` names labels that no row has.

    Args:
        columns: how the rows were read.
        labels: the labels of the rows after mapping.
    """
    unused = [label for label in columns.label_map if label not in columns.renamed]
    if not unused:
        return []
    shown = [
        repr(label) + (f" (did you mean {meant!r}?)" if (meant := closest(label, labels)) else "")
        for label in unused
    ]
    return [f"data.label_map: no row has the label(s) {join_first(shown)}."]


def check_labels_present(name: str, rows: Rows, labels: Sequence[str]) -> list[str]:
    """Returns a warning if validation or test rows lack labels."""
    if len(rows.label_counts) == 1 and len(rows) > 1:
        (only,) = rows.label_counts
        return [f"{name}: all {len(rows)} rows have the label {only!r}, so scores on them mean little."]
    return _absent(name, rows, labels)


def _near_equal(name: str, alike: Sequence[NearEqual], counts: Mapping[str, int]) -> list[str]:
    warnings = []
    for found in alike:
        named = [f"{quoted(label)} ({_rows(counts.get(label, 0))})" for label in found.labels]
        pairs = [f"{quoted(label)}: {quoted(found.labels[0])}" for label in found.labels[1:]]
        warnings.append(
            f"{name}: labels {join_all(named)} differ only in {join_all(found.differences)}; map them with "
            f"data.label_map: {{{', '.join(pairs[:SHOWN])}}}"
        )
    more = len(warnings) - SHOWN
    return warnings[:SHOWN] + (
        [f"{name}: {more} more groups of labels are nearly equal."] if more > 0 else []
    )


def _joined(name: str, rows: Rows, columns: Columns) -> list[str]:
    separator = columns.label_separator
    lone = separator is not None and all(len(row.labels) < 2 for row in rows.rows)
    joined = joined_labels(rows.label_counts, separator, expected=lone)
    no_two = "no row has two labels" if lone else ""
    if joined:
        shown = join_first([repr(label) for label in joined.labels])
        key = f"data.label_separator: {quoted(joined.separator)}"
        if separator is None:
            key = "task: multi_label" + ("" if joined.separator == "|" else f" with {key}")
        found = f"{len(joined.labels)} label(s) look like several with {joined.separator!r} between them"
        return [f"{name}: {no_two}{', and ' if lone else ''}{found}: {shown}. Try {key}."]
    if lone and rows.rows:
        return [f"{name}: {no_two}. Cells are split at {separator!r}: see data.label_separator."]
    return []


def _absent(name: str, rows: Rows, labels: Sequence[str]) -> list[str]:
    counts = rows.label_counts
    absent = [label for label in labels if label not in counts]
    return [f"{name}: no row has the label(s) {join_first(absent)}."] if absent and rows.rows else []


def _rare(name: str, counts: Mapping[str, int], alike: Sequence[NearEqual]) -> list[str]:
    few = _FEW if max(counts.values(), default=0) >= _MANY else 2
    twins = {label for found in alike for label in found.labels}
    rare = [label for label, count in counts.items() if count < few and label not in twins]
    if not rare:
        return []
    others = [label for label in counts if label not in rare]
    shown = [f"{label!r} ({_rows(counts[label])}{did_you_mean(label, others)})" for label in rare[:SHOWN]]
    more = f" and {len(rare) - SHOWN} more" if len(rare) > SHOWN else ""
    return [f"{name}: {len(rare)} label(s) have too few rows to be learned: {', '.join(shown)}{more}."]


def _uneven(name: str, counts: Mapping[str, int], alike: Sequence[NearEqual]) -> list[str]:
    counts = dict(counts)
    # Class weights do not help with a label that is written in two ways.
    for found in alike:
        counts[found.labels[0]] = sum(counts.pop(label, 0) for label in found.labels)
    frequent = [label for label, count in counts.items() if count >= _MANY]
    sizes = [n for label, n in counts.items() if n >= _FEW or not closest(label, frequent)]
    if len(sizes) < 2 or max(sizes) < _UNEVEN * min(sizes):
        return []
    return [
        f"{name}: the most frequent label has {max(sizes)} rows, the rarest {min(sizes)}. Consider "
        "training.class_weights: balanced."
    ]


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"

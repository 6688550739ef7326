"""Warnings about labels that would weaken a training, one sentence each."""

from collections.abc import Mapping, Sequence

from kerasbert.data.columns import Columns
from kerasbert.data.joined_labels import joined_labels
from kerasbert.data.labels import quoted
from kerasbert.data.load import Rows
from kerasbert.data.near_equal import NearEqual, closest, near_equal
from kerasbert.language import listed, tr
from kerasbert.listing import SHOWN

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
            tr(
                "{name}: {labels:,} labels in {rows:,} rows: is {column!r} really the label column?",
                name=name,
                labels=len(counts),
                rows=len(rows),
                column=columns.label,
            )
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
        tr("{label!r} (did you mean {meant!r}?)", label=label, meant=meant)
        if (meant := closest(label, labels))
        else repr(label)
        for label in unused
    ]
    return [_no_row("data.label_map", shown)]


def check_labels_present(name: str, rows: Rows, labels: Sequence[str]) -> list[str]:
    """Returns a warning if validation or test rows lack labels."""
    if len(rows.label_counts) == 1 and len(rows) > 1:
        (only,) = rows.label_counts
        return [
            tr(
                "{name}: all {rows} rows have the label {only!r}, so scores on them mean little.",
                name=name,
                rows=len(rows),
                only=only,
            )
        ]
    return _absent(name, rows, labels)


def _near_equal(name: str, alike: Sequence[NearEqual], counts: Mapping[str, int]) -> list[str]:
    warnings = []
    for found in alike:
        named = [f"{quoted(label)} ({_rows(counts.get(label, 0))})" for label in found.labels]
        pairs = [f"{quoted(label)}: {quoted(found.labels[0])}" for label in found.labels[1:]]
        warnings.append(
            tr(
                "{name}: labels {labels} differ only in {differences}; map them with data.label_map: {pairs}",
                name=name,
                labels=_all(named),
                differences=_all([tr(difference) for difference in found.differences]),
                pairs=f"{{{', '.join(pairs[:SHOWN])}}}",
            )
        )
    more = len(warnings) - SHOWN
    return warnings[:SHOWN] + (
        [tr("{name}: {more} more groups of labels are nearly equal.", name=name, more=more)]
        if more > 0
        else []
    )


def _joined(name: str, rows: Rows, columns: Columns) -> list[str]:
    separator = columns.label_separator
    lone = separator is not None and all(len(row.labels) < 2 for row in rows.rows)
    joined = joined_labels(rows.label_counts, separator, expected=lone)
    if joined:
        key = f"data.label_separator: {quoted(joined.separator)}"
        if separator is None:
            task = "task: multi_label"
            key = task if joined.separator == "|" else tr("{task} with {key}", task=task, key=key)
        return [
            tr(
                "{name}: no row has two labels, and {labels} label(s) look like several with {separator!r} "
                "between them: {shown}. Try {key}."
                if lone
                else "{name}: {labels} label(s) look like several with {separator!r} between them: {shown}. "
                "Try {key}.",
                name=name,
                labels=len(joined.labels),
                separator=joined.separator,
                shown=listed([repr(label) for label in joined.labels], SHOWN),
                key=key,
            )
        ]
    if lone and rows.rows:
        return [
            tr(
                "{name}: no row has two labels. Cells are split at {separator!r}: see data.label_separator.",
                name=name,
                separator=separator,
            )
        ]
    return []


def _absent(name: str, rows: Rows, labels: Sequence[str]) -> list[str]:
    counts = rows.label_counts
    absent = [label for label in labels if label not in counts]
    return [_no_row(name, absent)] if absent and rows.rows else []


def _rare(name: str, counts: Mapping[str, int], alike: Sequence[NearEqual]) -> list[str]:
    few = _FEW if max(counts.values(), default=0) >= _MANY else 2
    twins = {label for found in alike for label in found.labels}
    rare = [label for label, count in counts.items() if count < few and label not in twins]
    if not rare:
        return []
    others = [label for label in counts if label not in rare]
    shown = [
        tr("{label!r} ({rows}, did you mean {meant!r}?)", label=label, rows=_rows(counts[label]), meant=meant)
        if (meant := closest(label, others))
        else tr("{label!r} ({rows})", label=label, rows=_rows(counts[label]))
        for label in rare[:SHOWN]
    ]
    return [
        tr(
            "{name}: {count} label(s) have too few rows to be learned: {shown}.",
            name=name,
            count=len(rare),
            shown=listed(shown, SHOWN, len(rare)),
        )
    ]


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
        tr(
            "{name}: the most frequent label has {most} rows, the rarest {least}. Consider "
            "training.class_weights: balanced.",
            name=name,
            most=max(sizes),
            least=min(sizes),
        )
    ]


def _rows(count: int) -> str:
    return tr("1 row") if count == 1 else tr("{rows:,} rows", rows=count)


def _no_row(name: str, labels: Sequence[str]) -> str:
    return tr("{name}: no row has the label(s) {labels}.", name=name, labels=listed(labels, SHOWN))


def _all(names: Sequence[str]) -> str:
    """Returns `a, b and c`."""
    if not 1 < len(names) <= SHOWN:
        return listed(names, SHOWN)
    return tr("{others} and {last}", others=tr(", ").join(names[:-1]), last=names[-1])

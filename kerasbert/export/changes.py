"""Counts the predicted labels that a lower precision changes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from kerasbert.data import Columns, Row, read_rows
from kerasbert.export.native import NativeModel, strings
from kerasbert.models import TextClassifier

_MOST_ROWS = 5_000
_BATCH = 32


@dataclass(frozen=True)
class LabelChanges:
    """The number of `rows` rows of `file` whose predicted label changed."""

    changed: int
    rows: int
    file: Path


def count_label_changes(path: Path, trainer: TextClassifier) -> LabelChanges | None:
    """Compares the labels on the first rows of a validation file, or else a training file.

    Args:
        path: the version directory; run by the native loader.
        trainer: what was exported.

    Returns:
        None where the run's data files are no longer at hand.
    """
    files = [Path(name) for name in (*trainer.config.data.validation, *trainer.config.data.train)]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return None
    columns = replace(Columns.from_config(trainer.config.data), label=None)
    rows = sorted(islice(read_rows(file, columns), _MOST_ROWS), key=lambda row: len(row.text))
    batches = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
    feeds = [dict(_columns(batch)) for batch in batches]
    answers = NativeModel(path).run(
        [("serving_default", {name: strings(values) for name, values in feed.items()}) for feed in feeds]
    )
    changed = sum(
        int((answer["label"] != trainer.predict(*feed.values())["label"]).sum())
        for answer, feed in zip(answers, feeds, strict=True)
    )
    return LabelChanges(changed, len(rows), file)


def _columns(batch: list[Row]) -> Iterator[tuple[str, list[bytes]]]:
    yield "text", [row.text.encode() for row in batch]
    if batch[0].pair is not None:
        yield "pair", [(row.pair or "").encode() for row in batch]

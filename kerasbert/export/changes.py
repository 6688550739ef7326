"""Compares an export of lower precision with float32: labels, accuracy and vectors."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.data import Columns, Row, load_rows, read_valid_rows
from kerasbert.errors import DataError
from kerasbert.evaluation.comparison import MARGIN
from kerasbert.evaluation.paired_tests import Discordant, equivalence
from kerasbert.export.native import NativeModel, strings
from kerasbert.models import TextClassifier
from kerasbert.text import string_tensor

_MOST_ROWS = 5_000
_BATCH = 32


@dataclass(frozen=True)
class LabelChanges:
    """What a lower precision changes on the rows of a file.

    Attributes:
        changed: number of the rows whose predicted label changed.
        rows: number of all.
        file: where they are from.
        cosine: the lowest between a row's vectors, None for an export without them.
        accuracy: with float32 and with the lower precision, on rows to validate on; else None.
        equivalence: the p-value of a difference of accuracy by `MARGIN` or more; see
            `kerasbert.evaluation.paired_tests.equivalence`.
    """

    changed: int
    rows: int
    file: Path
    cosine: float | None = None
    accuracy: tuple[float, float] | None = None
    equivalence: float | None = None


def count_label_changes(path: Path, trainer: TextClassifier) -> LabelChanges:
    """Compares the answers to the first rows of a validation file, or else a training file.

    Args:
        path: the version directory; run by the native loader.
        trainer: what was exported.

    Raises:
        DataError: the run's data files are no longer at hand, or cannot be read as they were.
    """
    data = trainer.config.data
    file = next((name for name in (*data.validation, *data.train) if Path(name).is_file()), None)
    if file is None:
        raise DataError("the run's data files are not there.")
    validates = file in data.validation
    columns = Columns.from_config(data, trainer.task.label_separator)
    if validates:
        found = read_valid_rows([file], columns, trainer.labels, most=_MOST_ROWS)
    else:
        found = load_rows([file], columns.without_labels(), _MOST_ROWS)
    rows = sorted(found.rows, key=lambda row: len(row.text))
    batches = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
    feeds = [dict(_columns(batch)) for batch in batches]
    model = NativeModel(path)
    requests = [{name: strings(values) for name, values in feed.items()} for feed in feeds]
    names = [name for name in ("serving_default", "embed") if name in model.signatures]
    answers = model.run([(name, request) for name in names for request in requests])
    decisions, vectors = answers[: len(feeds)], answers[len(feeds) :]
    after = [label for answer in decisions for label in answer["label"].tolist()]
    before = [label for feed in feeds for label in trainer.predict(*feed.values())["label"].tolist()]
    cosines = [
        _lowest_cosine(answer["vector"], trainer.vectors(*map(string_tensor, feed.values())).numpy())
        for answer, feed in zip(vectors, feeds, strict=False)
    ]
    changed = sum(one != other for one, other in zip(before, after, strict=True))
    changes = LabelChanges(changed, len(rows), Path(file), min(cosines, default=None))
    return replace(changes, **_accuracies(trainer, rows, before, after)) if validates else changes


def _accuracies(
    trainer: TextClassifier, rows: list[Row], before: list[bytes], after: list[bytes]
) -> dict[str, Any]:
    joint = trainer.task.label_separator or ""
    truth = [joint.join(label for label in trainer.labels if label in row.labels).encode() for row in rows]
    of_before, of_after = (
        np.array([one == other for one, other in zip(labels, truth, strict=True)])
        for labels in (before, after)
    )
    counts = Discordant(len(rows), int((of_before & ~of_after).sum()), int((of_after & ~of_before).sum()))
    return {
        "accuracy": (float(of_before.mean()), float(of_after.mean())),
        "equivalence": equivalence(counts, MARGIN),
    }


def _lowest_cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.min(np.sum(one * other, axis=1) / lengths))


def _columns(batch: list[Row]) -> Iterator[tuple[str, list[bytes]]]:
    yield "text", [row.text.encode() for row in batch]
    if batch[0].pair is not None:
        yield "pair", [(row.pair or "").encode() for row in batch]

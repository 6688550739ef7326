"""Counts the predicted labels that a lower precision changes, and compares the vectors."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from kerasbert.data import Columns, Row, read_rows
from kerasbert.export.native import NativeModel, strings
from kerasbert.models import TextClassifier
from kerasbert.text import string_tensor

_MOST_ROWS = 5_000
_BATCH = 32


@dataclass(frozen=True)
class LabelChanges:
    """The number of `rows` rows of `file` whose predicted label changed.

    `cosine` is the lowest between a row's vectors, None for an export without them.
    """

    changed: int
    rows: int
    file: Path
    cosine: float | None = None


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
    model = NativeModel(path)
    requests = [{name: strings(values) for name, values in feed.items()} for feed in feeds]
    names = [name for name in ("serving_default", "embed") if name in model.signatures]
    answers = model.run([(name, request) for name in names for request in requests])
    decisions, vectors = answers[: len(feeds)], answers[len(feeds) :]
    changed = sum(
        int((answer["label"] != trainer.predict(*feed.values())["label"]).sum())
        for answer, feed in zip(decisions, feeds, strict=True)
    )
    cosines = [
        _lowest_cosine(answer["vector"], trainer.vectors(*map(string_tensor, feed.values())).numpy())
        for answer, feed in zip(vectors, feeds, strict=False)
    ]
    return LabelChanges(changed, len(rows), file, min(cosines, default=None))


def _lowest_cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.min(np.sum(one * other, axis=1) / lengths))


def _columns(batch: list[Row]) -> Iterator[tuple[str, list[bytes]]]:
    yield "text", [row.text.encode() for row in batch]
    if batch[0].pair is not None:
        yield "pair", [(row.pair or "").encode() for row in batch]

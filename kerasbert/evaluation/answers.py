"""What a model, or a file of predictions, decided on labelled rows."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.data import Row, Rows
from kerasbert.data.labels import spelled_as
from kerasbert.data.predictions import Prediction
from kerasbert.data.source import STDIN
from kerasbert.errors import DataError, UserError
from kerasbert.listing import join_first
from kerasbert.predictors import Model, open_model, predict_rows
from kerasbert.tasks.metrics import decisions

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Answers:
    """What one side of a comparison decided.

    Attributes:
        name: where it comes from.
        labels: those it knows, or, of a file, those that occur in it.
        decided: the labels of each row.
        is_model: whether a model answered, rather than a file.
    """

    name: str
    labels: tuple[str, ...]
    decided: list[tuple[str, ...]]
    is_model: bool

    def matrix(self, labels: Sequence[str]) -> np.ndarray:
        """Returns the decisions as zeros and ones of `labels`, float32 [rows, labels]."""
        return label_matrix(self.decided, labels)


def label_matrix(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """Returns the labels of rows as zeros and ones, float32 [rows, labels]."""
    index = {label: place for place, label in enumerate(labels)}
    matrix = np.zeros([len(rows), len(labels)], np.float32)
    for place, row in enumerate(rows):
        matrix[place, [index[label] for label in row]] = 1
    return matrix


def open_side(source: str | Model) -> str | Model:
    """Opens a run directory, an export or a server; the path of a file of predictions stays one.

    Raises:
        UserError: there is nothing at the path.
    """
    if isinstance(source, Model) or source == STDIN:
        return source
    if "://" in source or Path(source).is_dir():
        return open_model(source)
    if not os.path.exists(source):
        raise UserError(
            f"{source}: must be a run directory, an exported model, the URL of a server or a file of "
            "predictions. Received: there is no such path."
        )
    return source


def answers_of_model(model: Model, rows: Rows) -> Answers:
    """Lets a model answer `rows`."""
    answered = progress.track(predict_rows(model, rows.rows), f"{model.source} answers", len(rows))
    answers = [answer for _, answer in answered]
    outputs = {name: np.stack([answer[name] for answer in answers]) for name in answers[0]}
    names = np.array(model.labels, dtype=object)
    decided = [tuple(names[row > 0]) for row in decisions(outputs, len(names))]
    return Answers(model.source, model.labels, decided, is_model=True)


def align(name: str, predictions: Sequence[Prediction], rows: Rows, order: Sequence[str]) -> Answers:
    """Returns predictions as the answers to `rows`.

    Args:
        name: of the file of predictions.
        predictions: one for each row of the data in order, with or without those that were left out.
        rows: the labelled rows.
        order: the names of the files of `rows`, in order.

    Raises:
        DataError: there are too few or too many, or a text is another than that of its row.
    """
    read = [*rows.rows, *(row for row, _ in rows.left_out)]
    if len(predictions) not in (len(read), len(rows)):
        empty = f", {len(rows.left_out)} of them without text or label" if rows.left_out else ""
        raise DataError(
            f"{name}: must have one prediction for each row of the data. Received: {len(predictions)} "
            f"predictions for {len(read)} rows{empty}."
        )
    if len(predictions) == len(read):
        place = {file: number for number, file in enumerate(order)}
        in_order = sorted(range(len(read)), key=lambda i: (place[read[i].file], read[i].line))
        of_row = dict(zip(in_order, predictions, strict=True))
        predictions = [of_row[i] for i in range(len(rows))]
    for prediction, row in zip(predictions, rows.rows, strict=True):
        _require_same_text(name, prediction, row)
    known = rows.label_counts
    decided = [tuple(spelled_as(label, known) for label in of.labels) for of in predictions]
    labels = tuple(dict.fromkeys(label for row in decided for label in row))
    return Answers(name, labels, decided, is_model=False)


def require_shared_labels(answers: Answers, truth: Sequence[str]) -> None:
    """Raises `DataError` if none of the labels of `truth` is known to `answers`."""
    if truth and not set(answers.labels) & set(truth):
        verb = "knows" if answers.is_model else "has"
        raise DataError(
            f"{answers.name}: {verb} none of the labels of the data. Received: "
            f"{join_first(answers.labels) or 'no label at all'}; the data has: {join_first(truth)}. Rename "
            "the labels, or use data.label_map."
        )


def _require_same_text(name: str, prediction: Prediction, row: Row) -> None:
    # In TSV, line breaks and tabs are spaces.
    if prediction.text is not None and _bare(prediction.text) != _bare(row.text):
        raise DataError(
            f"{name}:{prediction.line}: has another text than {row.file}:{row.line}. Predictions must be in "
            "the order of the rows."
        )


def _bare(text: str) -> str:
    return _SPACE.sub(" ", text).strip()

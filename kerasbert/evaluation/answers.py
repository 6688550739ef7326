"""What a model, or a file of predictions, decided on labelled rows."""

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.data import Row, Rows
from kerasbert.data.labels import label_matrix, spelled_as
from kerasbert.data.predictions import Prediction, id_text
from kerasbert.data.source import STDIN
from kerasbert.errors import DataError, UserError
from kerasbert.layout import FOLD_RUN, RUN_CONFIG, SEED_RUN, require_finished
from kerasbert.listing import join_first
from kerasbert.predictors import Model, open_model, predict_rows, stack_answers
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


def sources_of(side: str | Model | Sequence[str | Model]) -> list[str | Model]:
    """Returns what answers on one side of a comparison: one model or file, or those of several seeds.

    Args:
        side: an open model, the path of a run, an export or a file of predictions, or a URL; for several
            seeds a list of these, the directory that `train --seeds` or `--folds` wrote, or a pattern of
            paths such as `runs/seed-*`.

    Raises:
        UserError: there is nothing at a path, one is named twice, or files and models are mixed.
    """
    if isinstance(side, str):
        found: list[str | Model] = [*_paths_of(side)]
    else:
        found = [side] if isinstance(side, Model) else list(side)
    for of in found:
        if isinstance(of, str) and is_predictions(of) and of != STDIN and not os.path.exists(of):
            raise UserError(
                f"{of}: must be a run directory, an exported model, the URL of a server or a file of "
                "predictions, or for several seeds the directory of `train --seeds` or a pattern in quotes. "
                "Received: there is no such path."
            )
    if len({isinstance(of, str) and is_predictions(of) for of in found}) > 1:
        raise UserError(f"{join_first(names_of(found))}: are models and files. Name one kind.")
    require_different(found)
    return found


def is_predictions(source: str) -> bool:
    """Whether a path is that of a file, not of a model."""
    return "://" not in source and not Path(source).is_dir()


def names_of(sources: Sequence[str | Model]) -> list[str]:
    """Returns the paths or URLs of models and files."""
    return [of.source if isinstance(of, Model) else of for of in sources]


def require_different(sources: Sequence[str | Model]) -> None:
    """Raises `UserError` if one of `sources` is there twice."""
    names = names_of(sources)
    places = [name if "://" in name else os.path.realpath(name) for name in names]
    if twice := next((name for name, place in zip(names, places, strict=True) if places.count(place) > 1), 0):
        raise UserError(f"{twice}: is named twice. Each model of a comparison with several is another one.")


def _paths_of(side: str) -> list[str]:
    path = Path(side)
    if path.is_dir():
        runs = [run for name in (SEED_RUN, FOLD_RUN) for run in path.glob(f"{name}*")]
        is_model = (path / RUN_CONFIG).is_file()
        found = [] if is_model else [str(run) for run in runs if (run / RUN_CONFIG).is_file()]
    else:
        found = [] if "://" in side or path.exists() else glob.glob(side)
    for run in found:
        if (Path(run) / RUN_CONFIG).is_file():
            require_finished(Path(run))
    return sorted(found, key=_by_number) or [side]


def _by_number(path: str) -> str:
    return re.sub(r"\d+", lambda number: number[0].zfill(20), path)


def answers_of_model(model: Model, rows: Rows) -> Answers:
    """Lets a model answer `rows`."""
    answered = progress.track(predict_rows(model, rows.rows), f"{model.source} answers", len(rows))
    outputs = stack_answers(answered)
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
        DataError: there are too few or too many, or a text or an id is another than that of its row.
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
    _require_ids(name, predictions, rows.rows)
    known = rows.label_counts
    decided = [tuple(spelled_as(label, known) for label in of.labels) for of in predictions]
    labels = tuple(dict.fromkeys(label for row in decided for label in row))
    return Answers(name, labels, decided, is_model=False)


def answers_of_side(
    sources: Sequence[str | Model],
    predictions: Mapping[str, tuple[str, list[Prediction]]],
    rows: Rows,
    order: Sequence[str],
) -> list[Answers]:
    """Returns the answers of each model of a side; models are opened one after the other.

    Args:
        sources: see `sources_of`.
        predictions: what the files among them hold; see `read_predictions`.
        rows: the labelled rows.
        order: the names of the files of `rows`, in order.

    Raises:
        UserError: a model cannot be opened, or knows other labels than the first of its side.
    """
    found: list[Answers] = []
    for of in sources:
        if isinstance(of, str) and of in predictions:
            answers = align(*predictions[of], rows, order)
        else:
            model = of if isinstance(of, Model) else open_model(of)
            if found and model.takes_pairs != (rows.pairs is not None):
                raise UserError(
                    f"{model.source}: of the models of a side, some take pairs of texts, some not."
                )
            if found and set(model.labels) != set(found[0].labels):
                raise UserError(
                    f"{model.source}: has other labels than {found[0].name}. The models of a side must be "
                    "trained by the same recipe."
                )
            answers = answers_of_model(model, rows)
        require_shared_labels(answers, tuple(rows.label_counts))
        found.append(answers)
    return found


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


def _require_ids(name: str, predictions: Sequence[Prediction], rows: Sequence[Row]) -> None:
    """Raises `DataError` if the ids of predictions are not those of the rows, or tell of another order."""
    column = next((of.id[0] for of in predictions if of.id), None)
    if column is None:
        return
    if all(column in (row.cells or {}) for row in rows):
        for prediction, row in zip(predictions, rows, strict=True):
            given, wanted = prediction.id and prediction.id[1], id_text((row.cells or {})[column])
            if given != wanted:
                raise DataError(
                    f"{name}:{prediction.line}: has the {column} {given!r}, and {row.file}:{row.line} has "
                    f"{wanted!r}. Predictions must be in the order of the rows."
                )
    elif predictions[0].text is None:  # nothing else tells which row a prediction is of
        ids = [of.id[1] for of in predictions if of.id]
        numbers = [int(of) for of in ids if re.fullmatch(r"\d{1,18}", of)]
        if len(set(ids)) < len(ids) or (len(numbers) == len(ids) and numbers != sorted(numbers)):
            raise DataError(
                f"{name}: the column {column!r} repeats itself or is not in order, and the data has no such "
                "column. Sort the predictions as the rows are, or remove the column if they are."
            )


def _bare(text: str) -> str:
    return _SPACE.sub(" ", text).strip()

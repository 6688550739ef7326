"""Evaluates a model from Python, on rows in files or in memory."""

import os
from collections.abc import Sequence
from typing import Any

from kerasbert.data.read_options import ReadOptions
from kerasbert.data.table import as_sources
from kerasbert.errors import UserError
from kerasbert.evaluation import Evaluation
from kerasbert.evaluation import evaluate as evaluate_sources
from kerasbert.files import require_path
from kerasbert.predictors import Model


def evaluate(
    model: str | os.PathLike[str] | Model,
    data: Any,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    pair_column: str | None = None,
    encoding: str | None = None,
    slices: Sequence[str] = (),
    group_column: str | None = None,
    robustness: bool = False,
) -> Evaluation:
    """Evaluates a model on labelled rows, like the command `kerasbert evaluate`.

    Args:
        model: an open model, or anything that `kerasbert.open_model` accepts.
        data: labelled rows in any form that `kerasbert.train` accepts.
        text_column: name of the text column. Defaults to the column the model was trained with.
        label_column: name of the label column, with the same default.
        pair_column: name of the column of the second text, with the same default.
        encoding: encoding of text files, with the same default.
        slices: names of columns of `data` whose values divide the rows into parts to look at.
        group_column: name of a column of `data`; rows with the same value depend on each other.
        robustness: whether to count the decisions that change when texts are edited without changing their
            meaning, as `metrics["robustness"]`.

    Returns:
        An evaluation. `metrics` is a dict with `accuracy`, `macro_f1`, `per_class`, their 95 % `intervals`,
        `slices` and others, including the naive Bayes `baseline` if the training rows are available.

    Raises:
        UserError: the model or the rows cannot be read, or a label is unknown to the model.
        ServerError: the server of the model does not answer.

    Examples:
        >>> evaluation = kerasbert.evaluate(model, [("手机很好", "positive"), ("酒店太差", "negative")])
        >>> evaluation.metrics["accuracy"], evaluation.metrics["examples"]
        (1.0, 2)
        >>> evaluation.probabilities.shape, evaluation.probabilities.dtype.name
        ((2, 2), 'float32')
    """
    reading = ReadOptions(text_column, label_column, pair_column, encoding)
    opened = model if isinstance(model, Model) else require_path(model, "model")
    if isinstance(slices, str):
        raise UserError(f"slices: must be a list of column names. Received: {slices!r}. Pass [{slices!r}].")
    return evaluate_sources(
        opened,
        as_sources(data, "data"),
        reading,
        slices=slices,
        group_column=group_column,
        robustness=robustness,
    )

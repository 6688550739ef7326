"""Measuring a model from Python, on rows from files or from memory."""

import os
from typing import Any

from kerasbert.data.read_options import ReadOptions
from kerasbert.data.table import as_sources
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
) -> Evaluation:
    """Measures a model on labelled rows, as the command `kerasbert evaluate` does.

    Args:
        model: an open model, or what `kerasbert.open_model` opens.
        data: labelled rows in any form that `kerasbert.train` takes.
        text_column: name of the column of texts. None: the one the model was trained with.
        label_column: name of the column of labels, likewise.
        pair_column: name of the column of second texts, likewise.
        encoding: of text files, likewise.

    Returns:
        An evaluation whose `metrics` are a dict with `accuracy`, `macro_f1`, `per_class` and more, and
        naive Bayes as `baseline` where the training rows are at hand.

    Raises:
        UserError: the model or the rows cannot be read, or a label is unknown to the model.
        ServerError: the model is on a server that does not answer.

    Examples:
        >>> evaluation = kerasbert.evaluate(model, [("手机很好", "positive"), ("酒店太差", "negative")])
        >>> evaluation.metrics["accuracy"], evaluation.metrics["examples"]
        (1.0, 2)
        >>> evaluation.probabilities.shape, evaluation.probabilities.dtype.name
        ((2, 2), 'float32')
    """
    reading = ReadOptions(text_column, label_column, pair_column, encoding)
    opened = model if isinstance(model, Model) else require_path(model, "model")
    return evaluate_sources(opened, as_sources(data, "data"), reading)

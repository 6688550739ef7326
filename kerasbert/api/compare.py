"""Compares two models from Python, on rows in files or in memory."""

import os
from collections.abc import Sequence
from typing import Any

from kerasbert.data.read_options import ReadOptions
from kerasbert.data.table import as_sources
from kerasbert.errors import UserError
from kerasbert.evaluation.compare import Side
from kerasbert.evaluation.compare import compare as compare_sources
from kerasbert.evaluation.comparison import MARGIN, Comparison
from kerasbert.files import require_path
from kerasbert.predictors import Model

_Source = str | os.PathLike[str] | Model


def compare(
    a: _Source | Sequence[_Source],
    b: _Source | Sequence[_Source],
    data: Any,
    *,
    margin: float = MARGIN,
    group_column: str | None = None,
    label_separator: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    pair_column: str | None = None,
    encoding: str | None = None,
) -> Comparison:
    """Compares two models on the same labelled rows, like the command `kerasbert compare`.

    Args:
        a: an open model, anything that `kerasbert.open_model` accepts, or the path of a file of predictions:
            one row for each row of `data`, in order, with a column `label`. For several seeds a list of
            these, a directory of `kerasbert train --seeds`, or a pattern such as `runs/seed-*`.
        b: likewise.
        data: labelled rows in any form that `kerasbert.train` accepts.
        margin: the difference of accuracy below which A and B count as equivalent, above 0, at most 0.2.
        group_column: name of a column of `data`; rows with the same value depend on each other.
        label_separator: what separates the labels of a row. Defaults to what the models say.
        text_column: name of the text column. Defaults to the column the first model was trained with.
        label_column: name of the label column, with the same default.
        pair_column: name of the column of the second text, with the same default.
        encoding: encoding of text files, with the same default.

    Returns:
        A comparison. `metrics` is a dict with the metrics of both, their `difference`, `mcnemar` (of several
        seeds a t test in `difference`), `equivalence` and others.

    Raises:
        UserError: A, B or the rows cannot be read or do not fit together.
        ServerError: the server of a model does not answer.
    """
    reading = ReadOptions(text_column, label_column, pair_column, encoding)
    return compare_sources(
        _side(a, "a"),
        _side(b, "b"),
        as_sources(data, "data"),
        reading,
        margin=margin,
        group_column=group_column,
        label_separator=label_separator,
    )


def _side(side: Any, name: str) -> Side:
    if not isinstance(side, list | tuple):
        return side if isinstance(side, Model) else require_path(side, name)
    if not side:
        raise UserError(f"{name}: must be a model, or a list of models. Received: an empty list.")
    return [of if isinstance(of, Model) else require_path(of, f"{name}[{i}]") for i, of in enumerate(side)]

"""Compares two models, or those of several seeds on each side, on the same labelled rows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kerasbert.config import DataConfig
from kerasbert.data import Columns, load_rows, read_valid_rows, sort_labels
from kerasbert.data.columns import OPTIONS
from kerasbert.data.other_columns import group_values
from kerasbert.data.predictions import read_predictions
from kerasbert.data.read_options import ReadOptions
from kerasbert.data.source import STDIN, require_distinct
from kerasbert.data.table import Table
from kerasbert.errors import DataError, UserError
from kerasbert.evaluation.answers import (
    answers_of_side,
    is_predictions,
    names_of,
    require_different,
    sources_of,
)
from kerasbert.evaluation.comparison import MARGIN, Comparison, compare_answers
from kerasbert.evaluation.seeds import compare_seeds
from kerasbert.listing import join_first
from kerasbert.predictors import Model, open_model

Side = str | Model | Sequence[str | Model]


def compare(
    a: Side,
    b: Side,
    data: Sequence[str | Path | Table],
    reading: ReadOptions | None = None,
    *,
    margin: float = MARGIN,
    group_column: str | None = None,
    label_separator: str | None = None,
) -> Comparison:
    """Compares what A and B decide on the same labelled rows.

    Args:
        a: an open model; the path of a run, an export, or a file of predictions with a column `label`, `-`
            for standard input; or a server's URL. Several of them: see `sources_of`.
        b: likewise.
        data: files of labelled rows (`-` is standard input), or tables in memory.
        reading: columns and encoding of `data`, where they are not those that the models were trained with.
        margin: the difference of accuracy below which they count as equivalent, above 0, at most 0.2.
        group_column: a column of `data`; rows with the same value depend on each other.
        label_separator: separates the labels of a row. None: as the models say.

    Returns:
        What `compare_answers` returns, or `compare_seeds` if A or B are several.

    Raises:
        UserError: A, B or the data cannot be read or do not fit together.
        ServerError: a server does not answer.
    """
    if not 0 < margin <= 0.2:
        raise UserError(
            f"margin: must be above 0 and at most 0.2; 0.01 is one point of accuracy. Received: {margin!r}"
        )
    reading = reading or ReadOptions()
    sides = [sources_of(a), sources_of(b)]
    if several := any(len(side) > 1 for side in sides):
        require_different([*sides[0], *sides[1]])
    _require_read_once(sides, data)
    require_distinct(data, reading.settings)
    for side in sides:
        if isinstance(side[0], str) and not is_predictions(side[0]):
            side[0] = open_model(side[0])
    models = [side[0] for side in sides if isinstance(side[0], Model)]
    columns = _columns(models, reading, label_separator)
    files = {
        of: read_predictions(of, columns)
        for side in sides
        for of in side
        if isinstance(of, str) and is_predictions(of)
    }
    numbered = any(prediction.id for _, found in files.values() for prediction in found)
    columns = replace(columns, whole=numbered or group_column is not None)
    given = [label for _, found in files.values() for prediction in found for label in prediction.labels]
    if models:
        known = tuple(dict.fromkeys([*(label for model in models for label in model.labels), *given]))
        rows = read_valid_rows(data, columns, known, "Mend the row: neither A nor B knows the label.")
    else:
        rows = load_rows(data, columns)
        known = sort_labels({*given, *rows.label_counts})
    if not rows.rows:
        raise DataError(f"{', '.join(map(str, data))}: holds no usable row.")
    groups = None
    if group_column is not None:
        option = "--group-column" if reading.settings is OPTIONS else "group_column"
        groups = group_values(rows.rows, group_column, option)
    order = ["standard input" if str(source) == STDIN else str(source) for source in data]
    answers = [answers_of_side(side, files, rows, order) for side in sides]
    labels = tuple(
        dict.fromkeys([*known, *(label for side in answers for of in side for label in of.labels)])
    )
    if several:
        names = [
            side if isinstance(side, str) else join_first(names_of(of))
            for side, of in zip((a, b), sides, strict=True)
        ]
        return compare_seeds(answers, names, rows, labels, margin, groups)
    return compare_answers(answers[0][0], answers[1][0], rows, labels, margin, groups)


def _require_read_once(sides: Sequence[Sequence[str | Model]], data: Sequence[str | Path | Table]) -> None:
    sources = [of for side in sides for of in side]
    names = [str(source) for source in (*sources, *data) if not isinstance(source, Model | Table)]
    if names.count(STDIN) > 1:
        raise UserError("-: standard input can be read only once. Use files for the others.")
    files = [str(source) for source in data if not isinstance(source, Table)]
    for of in sources:
        if isinstance(of, str) and any(_is_same_file(of, name) for name in files):
            raise UserError(f"{of}: is the labelled data itself. Name a file of predictions.")


def _is_same_file(path: str, other: str) -> bool:
    return Path(path).is_file() and Path(other).is_file() and Path(path).samefile(other)


def _columns(models: Sequence[Model], reading: ReadOptions, label_separator: str | None) -> Columns:
    if len({model.takes_pairs for model in models}) > 1:
        pairs, single = sorted(models, key=lambda model: not model.takes_pairs)
        raise UserError(
            f"{pairs.source} takes pairs of texts and {single.source} single texts: they cannot answer the "
            "same rows."
        )
    separators = [model.label_separator for model in models if model.label_separator is not None]
    separator = label_separator or next(iter(separators), None)
    columns = reading.columns_for(models[0].data if models else DataConfig(), separator)
    return replace(columns, label_separator=label_separator) if label_separator else columns

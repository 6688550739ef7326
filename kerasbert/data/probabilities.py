"""Reads texts with the probability of each label: from predictions, or from any other source."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasbert.data.columns import Columns, named_in
from kerasbert.data.formats import read_cells
from kerasbert.data.read import Row, cell_text
from kerasbert.data.source import FORMATS, Source
from kerasbert.errors import DataError, excerpt
from kerasbert.listing import join_first

COLUMN = "probabilities"
_SUM = 0.02  # how far from 1 the probabilities of one label may be, which rounding explains


@dataclass(frozen=True, slots=True)
class _ProbabilityColumns(Columns):
    """The column of the probabilities and those of the texts, which `predict` calls text and pair."""

    def choose(self, header: Sequence[str], place: str) -> list[str]:
        """Returns the names of the columns, in the order of `wanted`."""
        chosen = []
        for what, name in self.wanted.items():
            usual = {"text": "text", "pair": "pair"}.get(what, name)
            found = next((column for column in (name, usual) if column in header), None)
            if found is None:
                raise DataError(f"{place}: has no column {usual!r}. It has: {named_in(header)}. Rename one.")
            chosen.append(found)
        return chosen


def read_probabilities(
    path: str, columns: Columns, labels: Sequence[str]
) -> Iterator[tuple[Row, np.ndarray]]:
    """Yields the rows of a file of texts, each with the probabilities of its labels, in constant memory.

    Args:
        path: a JSON lines, JSON or Parquet file with a column of texts and a column `probabilities` of
            objects: the label and its probability. Labels that are left out have the probability 0.
        columns: of the labelled rows: the names of the texts, and whether a row has several labels.
        labels: the labels, in order.

    Yields:
        The row, without labels, and its probabilities, float32 [labels]. They sum up to 1 unless a row may
        have several labels.

    Raises:
        DataError: the file cannot be read, a label is unknown, or probabilities are not probabilities.
    """
    source = Source(path, columns.encoding, columns.stream_encoding, columns.settings)
    chosen = _ProbabilityColumns(text=columns.text, label=COLUMN, pair=columns.pair)
    index = {label: place for place, label in enumerate(labels)}
    several = columns.label_separator is not None
    count = 0
    with source.open() as file:
        form = source.format_of(file)
        for line, cells in read_cells(source, file, form if form in FORMATS else "", chosen):
            place = f"{source.name}:{line}"
            pair = cell_text(cells[2], "pair", place) if columns.pair else None
            row = Row(cell_text(cells[0], "text", place), (), pair, source.name, line)
            yield row, _vector(cells[1], index, several, place)
            count += 1
    if not count:
        raise DataError(f"{source.name}: holds no rows.")


def _vector(cell: Any, index: dict[str, int], several: bool, place: str) -> np.ndarray:
    if not isinstance(cell, dict) or not cell:
        raise DataError(
            f'{place}: {COLUMN!r} must be an object such as {{"label": 0.9}}. Received: {excerpt(repr(cell))}'
        )
    vector = np.zeros(len(index), np.float32)
    for name, value in cell.items():
        if name not in index:
            raise DataError(
                f"{place}: unknown label {name!r} in {COLUMN!r}. Known: {join_first(list(index), 20)}. If a "
                "configuration renames the labels of the rows (data.label_map), name it, too."
            )
        number = type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1
        if value is not None and not number:  # Parquet fills up what is left out
            raise DataError(
                f"{place}: the probability of {name!r} must be a number from 0 to 1. Received: "
                f"{excerpt(repr(value))}"
            )
        vector[index[name]] = value or 0
    total = float(vector.sum())
    if several:
        return vector
    if abs(total - 1) > _SUM:
        raise DataError(f"{place}: the probabilities must sum up to 1. Received: {total:.4g}")
    return vector / total

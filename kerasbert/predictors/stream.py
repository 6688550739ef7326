"""Turns arguments into rows, and writes the answers to rows, or their vectors."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert import progress
from kerasbert.data import Columns, Row
from kerasbert.data.arrow import Types
from kerasbert.data.read import row_of_line
from kerasbert.data.write import write_records, written_format
from kerasbert.data.write_vectors import vector_format, write_npy, write_parquet
from kerasbert.errors import DataError, KerasBertError, ServerError
from kerasbert.files import atomic_path, wrap_write_errors
from kerasbert.interrupts import kept
from kerasbert.predictors.model import Model, predict_rows
from kerasbert.predictors.predict import answer_record


def argument_rows(texts: Sequence[str], columns: Columns) -> Iterator[Row]:
    """Yields the texts of the command line as rows.

    Raises:
        DataError: one is not UTF-8.
    """
    for number, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError as error:  # an argument may hold any bytes
            raise DataError(f"argument:{number}: is not UTF-8. Received: {text!r}") from error
        yield row_of_line(text, columns, "argument", number)


def write_answers(
    model: Model, rows: Iterable[Row], output: str, form: str | None = None, total: int | None = None
) -> None:
    """Writes an answer for each row, in order.

    Where a row cannot be read, those before it are answered first; a file does not appear.

    Args:
        model: what answers.
        rows: may be infinite; read lazily.
        output: a file, which appears when it is complete, or `-` for stdout.
        form: `jsonl`, `parquet`, or `tsv` or `csv` with the columns text, label, score. None: by the name
            of `output`.
        total: the approximate number of rows. None: not known, they may be typed at a terminal.
    """
    form = written_format(output, form)
    packed = output.lower().endswith(".gz")
    # Texts typed at a terminal are answered line by line.
    window = {"window": 1} if total is None and sys.stdin and sys.stdin.isatty() else {}
    answers = _answers(model, rows, window)
    if output == "-" and sys.stdout.isatty():  # the answers themselves show the progress
        write_records(answers, sys.stdout.buffer, form)
        return
    answers = progress.track(answers, "predicting", total)
    if output == "-":
        write_records(answers, sys.stdout.buffer, form)
        return
    path = Path(output)
    if path.exists() and not path.is_file():  # a pipe or a device; a directory is refused here
        with wrap_write_errors(path), path.open("wb") as file:
            write_records(answers, file, form, packed)
        return
    with kept(f"{path} was not written"), atomic_path(path) as temporary, temporary.open("wb") as file:
        write_records(answers, file, form, packed)


def write_vectors(
    vectors: Iterable[tuple[Row, np.ndarray]],
    size: int,
    output: str,
    types: Types | None = None,
    total: int | None = None,
) -> None:
    """Writes the vector of each row, in order.

    Args:
        vectors: rows and their vectors, float32 [size]; read lazily.
        size: of a vector.
        output: a .npy or .parquet file, which appears when it is complete.
        types: of the columns that Parquet gets. None: those of the first rows.
        total: the approximate number of rows, if it is known.

    Raises:
        UserError: `output` is neither, or cannot be written.
        DataError: a cell is not of the type of its column.
    """
    form, path = vector_format(output), Path(output)
    vectors = progress.track(vectors, "embedding", total)
    with kept(f"{path} was not written"), atomic_path(path) as temporary, temporary.open("wb") as file:
        if form == "npy":
            write_npy((vector for _, vector in vectors), size, file)
        else:
            write_parquet(vectors, size, file, types)


def _answers(model: Model, rows: Iterable[Row], window: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yields the records of the answers. An error is raised after the answers before it."""
    errors: list[KerasBertError] = []

    def readable() -> Iterator[Row]:
        try:
            yield from rows
        except KerasBertError as error:
            errors.append(error)

    count = 0
    try:
        for row, answer in predict_rows(model, readable(), **window):
            yield answer_record(row, answer, model.labels)
            count += 1
    except ServerError as error:
        raise ServerError(f"{error} Lines answered before: {count}.") from error
    if errors:
        raise errors[0]

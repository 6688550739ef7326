"""Texts from arguments to rows, and rows to lines of answers."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from kerasbert.data import Columns, Row
from kerasbert.data.read import row_of_line
from kerasbert.errors import DataError, ServerError
from kerasbert.files import atomic_path, explain_write_errors
from kerasbert.predictors import Model, answer_record, predict_rows


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


def write_answers(model: Model, rows: Iterable[Row], output: str, form: str) -> None:
    """Writes one line for each row, in order.

    Args:
        model: what answers.
        rows: may be endless; they are read as they are answered.
        output: a file, which appears when it is complete, or `-` for stdout.
        form: `jsonl`, or `tsv` with the columns text, label, score.
    """
    # Someone who types wants an answer to each line.
    settings = {"window": 1} if sys.stdin and sys.stdin.isatty() else {}
    lines = (
        _line(answer_record(row, answer, model.labels), form)
        for row, answer in predict_rows(model, rows, **settings)
    )
    if output == "-":
        _write(lines, sys.stdout.buffer, form)
        return
    path = Path(output)
    if path.exists() and not path.is_file():  # a pipe or a device; a directory is refused here
        with explain_write_errors(path), path.open("wb") as file:
            _write(lines, file, form)
        return
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        _write(lines, file, form)


def _write(lines: Iterable[str], file: IO[bytes], form: str) -> None:
    if form == "tsv":
        file.write(b"text\tlabel\tscore\n")
    count = 0
    try:
        for line in lines:
            file.write(f"{line}\n".encode())
            file.flush()
            count += 1
    except ServerError as error:
        raise ServerError(f"{error} Lines answered before: {count}.") from error


def _line(record: dict[str, Any], form: str) -> str:
    if form == "jsonl":
        return json.dumps(record, ensure_ascii=False)
    cells = (record["text"], record["label"], str(record["score"]))
    return "\t".join(" ".join(cell.split()) for cell in cells)

"""Texts from arguments, lines or data files to lines of answers."""

import contextlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from kerasbert.config import DataConfig
from kerasbert.data import Columns, Row, read_rows
from kerasbert.data.read import FORMATS
from kerasbert.errors import DataError, ServerError
from kerasbert.files import atomic_path, explain_write_errors
from kerasbert.predictors import Model, answer_record, predict_rows


def argument_rows(texts: Sequence[str], data: DataConfig) -> Iterator[Row]:
    """Yields the texts of the command line as rows."""
    for number, text in enumerate(texts, 1):
        # An argument may hold any bytes.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        yield _row(text, data, "argument", number)


def input_rows(source: str, data: DataConfig) -> Iterator[Row]:
    """Yields the rows of a data file, or of lines of text; `-` is stdin."""
    if Path(source).name.removesuffix(".gz").endswith(FORMATS):
        yield from read_rows(source, replace(Columns.of(data), label=None))
        return
    with contextlib.ExitStack() as stack:
        try:
            binary: IO[bytes] = sys.stdin.buffer if source == "-" else stack.enter_context(open(source, "rb"))
        except OSError as error:
            raise DataError(f"{source}: cannot be read ({error.strerror}).") from error
        lines = io.TextIOWrapper(binary, encoding="utf-8", errors="replace", newline="\n")
        for number, line in enumerate(lines, 1):
            yield _row(line.rstrip("\r\n"), data, source, number)


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


def _row(line: str, data: DataConfig, file: str, number: int) -> Row:
    if data.pair_column is None:
        return Row(line, (), None, file, number)
    text, tab, pair = line.partition("\t")
    if not tab:
        raise DataError(f"{file}:{number}: this model takes pairs: two texts with a tab between them.")
    return Row(text, (), pair, file, number)


def _line(record: dict[str, Any], form: str) -> str:
    if form == "jsonl":
        return json.dumps(record, ensure_ascii=False)
    cells = (record["text"], record["label"], str(record["score"]))
    return "\t".join(" ".join(cell.split()) for cell in cells)

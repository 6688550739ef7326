"""Writes texts to label: as a table, or as Label Studio and doccano import them."""

from collections.abc import Iterator, Sequence
from typing import Any

from kerasbert.config import DataConfig
from kerasbert.curation.select import Selected
from kerasbert.data.json_text import json_text
from kerasbert.data.write import write_cells, write_text_lines
from kerasbert.errors import UserError

SUFFIXES = {"label-studio": ".json", "doccano": ".jsonl"}  # the form `table` has several


def write_selection(
    selected: Sequence[Selected], output: str, form: str, data: DataConfig, separator: str, model: str
) -> None:
    """Writes selected rows with all their columns, what the model would say, and why each was selected.

    Args:
        selected: in the order in which to label them.
        output: a .csv, .tsv or .jsonl file for a table; a .json file for Label Studio, a .jsonl for doccano.
        form: `table`, `label-studio` or `doccano`.
        data: the names of the columns.
        separator: of several labels in a cell.
        model: who predicts.
    """
    if form == "label-studio":
        write_text_lines(_label_studio(selected, data, model), output)
    elif form == "doccano":
        write_text_lines(_doccano(selected, data), output)
    else:
        records = (
            {**_cells(one, data), "predicted": separator.join(one.predicted), **_why(one)} for one in selected
        )
        write_cells(records, output, mark=output.lower().endswith(".csv"))


def require_suffix(output: str, form: str) -> None:
    """Raises `UserError` if a file of this name does not hold this form."""
    suffix = SUFFIXES.get(form)
    if suffix and not output.lower().endswith(suffix):
        raise UserError(f"{output}: {form} reads {suffix} files. Rename it, or leave out --format.")


def _cells(one: Selected, data: DataConfig) -> dict[str, Any]:
    cells = dict(one.row.cells or {data.text_column: one.row.text})
    if one.row.cells is None and one.row.pair is not None:
        cells[data.pair_column or "pair"] = one.row.pair
    cells.setdefault(data.label_column, "")
    return cells


def _why(one: Selected) -> dict[str, Any]:
    return {"score": round(one.score, 4), "reason": one.reason}


def _label_studio(selected: Sequence[Selected], data: DataConfig, model: str) -> Iterator[str]:
    """Yields a JSON array of tasks with predictions, for a Choices tag `label` on a Text tag `text`."""
    tasks: list[dict[str, Any]] = []
    for one in selected:
        cells = {name: value for name, value in _cells(one, data).items() if name != data.label_column}
        result = {
            "from_name": "label",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": list(one.predicted)},
        }
        prediction = {
            "model_version": model,
            "score": round(one.score, 4),
            "result": [result],
        }
        data_of: dict[str, Any] = {**cells, "reason": one.reason}
        tasks.append({"data": data_of, "predictions": [prediction]})
    yield json_text(tasks, indent=1) + "\n"


def _doccano(selected: Sequence[Selected], data: DataConfig) -> Iterator[str]:
    """Yields lines of JSON with `text`, `label`, the predicted ones, and the rest as metadata."""
    for one in selected:
        cells = _cells(one, data)
        rest = {k: v for k, v in cells.items() if k not in (data.text_column, data.label_column)}
        record: dict[str, Any] = {"text": one.row.text, "label": list(one.predicted), **rest, **_why(one)}
        yield json_text(record) + "\n"

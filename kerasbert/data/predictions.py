"""Reads the labels that a model of any kind gave, from a file of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerasbert.data.columns import Columns, named_in
from kerasbert.data.formats import read_cells
from kerasbert.data.read import labels_of_cell
from kerasbert.data.source import FORMATS, Source
from kerasbert.errors import DataError

_LABEL = "label"
_IDS = ("id", "guid", "uid", "idx", "index")
# Where the decision may stand instead, if the column `label` is the truth.
_OTHERS = ("prediction", "predicted", "pred", "predicted_label", "y_pred", "predict")


@dataclass(frozen=True, slots=True)
class Prediction:
    """The labels that one row was given.

    Attributes:
        labels: one label, or any number in a multi-label task.
        text: the text of the row, if the file has it.
        line: of the file.
        id: the name and the value of the column that numbers the rows, if the file has one.
    """

    labels: tuple[str, ...]
    text: str | None
    line: int
    id: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _PredictionColumns(Columns):
    """Only the decided labels."""

    @property
    def wanted(self) -> dict[str, str]:
        """The column of the labels."""
        return {"label": _LABEL}

    def choose(self, header: Sequence[str], place: str) -> list[str]:
        """Returns the column of the labels, if it is there and certainly the decided ones."""
        if list(header).count(_LABEL) != 1:
            many = "two columns" if _LABEL in header else "no column"
            raise DataError(
                f"{place}: has {many} {_LABEL!r}, which predictions need. It has: {named_in(header)}. Rename "
                "one."
            )
        if other := next((name for name in header if name.strip().lower() in _OTHERS), None):
            raise DataError(
                f"{place}: has the columns {_LABEL!r} and {other!r}: which one was decided? Call that one "
                f"{_LABEL!r} and remove the other."
            )
        return [_LABEL]


def read_predictions(path: str, columns: Columns) -> tuple[str, list[Prediction]]:
    """Reads predictions, such as those that `kerasbert predict` writes.

    Args:
        path: a CSV, TSV, JSON lines, JSON or Parquet file or a workbook with a column `label`, or `-` for
            standard input. A column of texts is read too.
        columns: of the labelled rows: how labels are mapped and separated, and the name of the texts.

    Returns:
        The name of the file for messages, and the predictions in order.

    Raises:
        DataError: the file cannot be read, has no column `label`, or a row of a task with one label a row
            has none.
    """
    source = Source(path, columns.encoding, columns.stream_encoding, columns.settings)
    chosen = _PredictionColumns(
        label=_LABEL,
        label_map=columns.label_map,
        label_separator=columns.label_separator,
        labels=columns.labels,
        whole=True,
    )
    found = []
    with source.open() as file:
        form = source.format_of(file)
        for line, (cell, record) in read_cells(source, file, form if form in FORMATS else "", chosen):
            place = f"{source.name}:{line}"
            labels = labels_of_cell(cell, chosen, place)
            if not labels and columns.label_separator is None:
                raise DataError(f"{place}: has no label. A prediction must name one.")
            text = record.get(columns.text, record.get("text"))
            text = text if isinstance(text, str) else None
            name = next((name for name in record if name.strip().lower() in _IDS), None)
            found.append(Prediction(labels, text, line, name and (name, id_text(record[name]))))
    if not found:
        raise DataError(f"{source.name}: holds no rows.")
    return source.name, found


def id_text(value: object) -> str:
    """Returns a cell of ids as text: a float that is a whole number without its point."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()

"""In-memory rows, read like a data file: data frames, Arrow tables, data sets, lists, iterators."""

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kerasbert.data.columns import Columns
from kerasbert.data.json_text import json_text
from kerasbert.data.labels import whole_numbers
from kerasbert.data.read_options import ARGUMENTS
from kerasbert.errors import DataError, excerpt
from kerasbert.files import atomic_path


@dataclass(frozen=True)
class Table(abc.ABC):
    """In-memory rows, which can be read repeatedly.

    Args:
        name: name of the argument that held them, for messages.
    """

    name: str

    def __str__(self) -> str:
        return self.name

    @abc.abstractmethod
    def cells(self, columns: Columns) -> Iterator[tuple[int, Sequence[Any]]]:
        """Yields the number of each row, from 1, and its cells in the order of `columns.wanted`.

        All cells by column name follow if `columns.whole`.

        Raises:
            DataError: a column is missing, or a row has the wrong type.
        """


@dataclass(frozen=True)
class ColumnTable(Table):
    """Columns of equal length.

    Args:
        header: names of the columns.
        column: returns the values of a column, by its index in `header`.
    """

    header: list[str]
    column: Callable[[int], Iterable[Any]]

    def cells(self, columns: Columns) -> Iterator[tuple[int, Sequence[Any]]]:
        """See `Table.cells`."""
        names = replace(columns, settings=ARGUMENTS).choose(self.header, self.name)
        chosen = [[plain(value) for value in self.column(self.header.index(name))] for name in names]
        if columns.label is not None:
            place = list(columns.wanted).index("label")
            chosen[place] = whole_numbers(chosen[place])
        if len({len(values) for values in chosen}) > 1:
            lengths = ", ".join(f"{name!r} {len(values)}" for name, values in zip(names, chosen, strict=True))
            raise DataError(f"{self.name}: columns must be equally long. Received: {lengths}")
        if columns.whole:
            every = zip(*(map(plain, self.column(place)) for place in range(len(self.header))), strict=True)
            chosen.append([dict(zip(self.header, cells, strict=True)) for cells in every])
        yield from enumerate(zip(*chosen, strict=True), 1)


@dataclass(frozen=True)
class RecordTable(Table):
    """Dicts, or tuples of (text, label) or (text, pair, label)."""

    records: list[Any]

    def cells(self, columns: Columns) -> Iterator[tuple[int, Sequence[Any]]]:
        """See `Table.cells`."""
        columns = replace(columns, settings=ARGUMENTS)
        order = [what for what in ("text", "pair", "label") if what in columns.wanted]
        for number, record in enumerate(self.records, 1):
            cells = [plain(value) for value in self._cells(record, number, order, columns)]
            yield number, [*cells, _all_cells(record, order)] if columns.whole else cells

    def _cells(self, record: Any, number: int, order: Sequence[str], columns: Columns) -> list[Any]:
        if hasattr(record, "_asdict"):  # a named tuple
            record = record._asdict()
        if isinstance(record, Mapping):
            names = {str(name): name for name in record}
            place = f"{self.name}:{number}"
            return [record[names[name]] for name in columns.choose(list(names), place)]
        if isinstance(record, tuple | list) and len(record) == len(order):
            by_what = dict(zip(order, record, strict=True))
            return [by_what[what] for what in columns.wanted]
        raise DataError(
            f"{self.name}:{number}: a row must be a dict or ({', '.join(order)}). Received: "
            f"{excerpt(record)} ({type(record).__name__})"
        )


def as_sources(data: Any, name: str) -> list[str | Table]:
    """Returns `data` as sources for `load_rows`: file paths, or in-memory rows as one table.

    Raises:
        DataError: `data` has an unsupported type; see `open_table`.
    """
    paths = [data] if isinstance(data, str | Path) else data
    if isinstance(paths, list | tuple) and paths and all(isinstance(path, str | Path) for path in paths):
        return [str(path) for path in paths]
    return [open_table(data, name)]


def open_table(data: Any, name: str) -> Table:
    """Returns in-memory rows as a table.

    Args:
        data: a pandas or polars DataFrame, an Arrow table, batch or stream, a Hugging Face data set, a
            dict of columns, or an iterable of dicts or of (text, label).
        name: name of the argument, for messages.

    Raises:
        DataError: `data` has an unsupported type.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping):
        columns = list(data.values())
        if columns and all(map(_is_column, columns)):
            return ColumnTable(name, list(map(str, data)), lambda place: columns[place])
    elif (header := _header(data)) is not None:
        return ColumnTable(name, list(map(str, header)), lambda place: _column(data, header[place], place))
    elif hasattr(data, "collect"):
        raise DataError(f"{name}: is a lazy {type(data).__name__}. Pass what its collect() returns.")
    elif not _is_column(data) and (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__dataframe__")):
        return open_table(_arrow(data, name), name)
    elif isinstance(data, Iterable) and not (isinstance(data, str | bytes) or _is_array(data)):
        return RecordTable(name, list(data))
    raise DataError(
        f"{name}: must be a file, a data frame, a data set, a dict of columns, or an iterable of dicts or "
        f"of (text, label). Received: {type(data).__name__}"
    )


def write_table(path: Path, table: Table, columns: Columns) -> None:
    """Writes the wanted cells as JSON lines that read back as the same rows."""
    names = list(columns.wanted.values())
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for _, cells in table.cells(columns):
            line = json_text(dict(zip(names, cells, strict=True)))
            file.write(f"{line}\n".encode(errors="backslashreplace"))


def plain(value: Any) -> Any:
    """Returns a cell as plain Python: text, number, list, or None where it is missing."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return None
    for convert in ("as_py", "tolist", "to_list"):  # of Arrow scalars, NumPy and polars
        if hasattr(value, convert):
            return plain(getattr(value, convert)())
    return [plain(item) for item in value] if isinstance(value, list | tuple | set) else value


def _all_cells(record: Any, order: Sequence[str]) -> dict[str, Any]:
    record = record._asdict() if hasattr(record, "_asdict") else record
    items = record.items() if isinstance(record, Mapping) else zip(order, record, strict=True)
    return {str(name): plain(value) for name, value in items}


def _is_column(values: Any) -> bool:
    return isinstance(values, list | tuple) or _is_array(values)


def _is_array(values: Any) -> bool:
    return hasattr(values, "tolist") or hasattr(values, "to_list")


def _header(data: Any) -> list[Any] | None:
    """Returns the names of the columns of a data frame, an Arrow table or a data set, or None."""
    names = getattr(data, "column_names", None)
    if isinstance(names, list | tuple) and hasattr(data, "__getitem__"):
        return list(names)
    return list(data.columns) if hasattr(data, "iloc") and hasattr(data, "columns") else None


def _column(data: Any, name: Any, place: int) -> Iterable[Any]:
    # By position, since the column names of a data frame may be any objects.
    values = data.iloc[:, place] if hasattr(data, "iloc") else data[name]
    for convert in ("to_pylist", "tolist"):
        if hasattr(values, convert):
            values = getattr(values, convert)()
            break
    features = getattr(data, "features", None)
    names = getattr(features.get(name), "names", None) if isinstance(features, Mapping) else None
    if names:  # a data set stores labels as indices into these names, -1 for none
        return [None if value is None or value < 0 else names[value] for value in values]
    return values


def _arrow(data: Any, name: str) -> Any:
    import pyarrow as pa
    from pyarrow.interchange import from_dataframe

    try:
        if hasattr(data, "__arrow_c_stream__"):
            return pa.RecordBatchReader.from_stream(data).read_all()
        return from_dataframe(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{name}: cannot be read as an Arrow table ({error}).") from error

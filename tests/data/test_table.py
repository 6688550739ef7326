"""Rows in memory are read as the same rows in a file."""

import datetime
import decimal
import json
import math
from collections import namedtuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.data import Columns, load_rows, read_rows
from kerasbert.data.table import as_sources, open_table, write_table
from kerasbert.errors import DataError

COLUMNS = Columns()
TEXTS, LABELS = ["很好😀", "太差", ""], ["正", "负", "正"]
ROWS = [("很好😀", ("正",)), ("太差", ("负",)), ("", ("正",))]
Named = namedtuple("Named", ["label", "text"])


def read(data, columns=COLUMNS):
    return [(row.text, row.labels) for row in read_rows(open_table(data, "data"), columns)]


class DataSet:
    """A Hugging Face data set, as far as it is used: columns by name, and names for the labels."""

    def __init__(self, features=None, **columns):
        self._columns, self.features = columns, features or {}
        self.column_names = list(columns)

    def __getitem__(self, name):
        return self._columns[name]

    def __len__(self):
        return len(self._columns["text"])


class ClassLabel:
    names = ("负", "正")


class Stream:
    """Whatever speaks Arrow alone."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class Interchange:
    """Whatever speaks the older protocol of data frames alone."""

    def __init__(self, frame):
        self._frame = frame

    def __dataframe__(self, *arguments, **settings):
        return self._frame.__dataframe__(*arguments, **settings)


COLUMN_DICT = {"label": LABELS, "text": TEXTS, "more": [1, 2, 3]}
RECORDS = [{"label": label, "text": text, "more": 1} for text, label in zip(TEXTS, LABELS, strict=True)]
KINDS = {
    "pandas": pd.DataFrame(COLUMN_DICT),
    "pandas index": pd.DataFrame(COLUMN_DICT, index=[7, 5, 7]),
    "pandas categories": pd.DataFrame(COLUMN_DICT).astype({"label": "category", "text": "string"}),
    "pandas objects": pd.DataFrame(COLUMN_DICT).assign(more=[object(), [1], {}]),
    "polars": pl.DataFrame(COLUMN_DICT),
    "polars categories": pl.DataFrame(COLUMN_DICT).with_columns(pl.col("label").cast(pl.Categorical)),
    "arrow": pa.table(COLUMN_DICT),
    "arrow batch": pa.table(COLUMN_DICT).to_batches()[0],
    "arrow reader": pa.table(COLUMN_DICT).to_reader(),
    "arrow stream": Stream(pa.table(COLUMN_DICT)),
    "interchange": Interchange(pa.table(COLUMN_DICT)),
    "data set": DataSet(**COLUMN_DICT),
    "data set with names": DataSet({"label": ClassLabel()}, text=TEXTS, label=[1, 0, 1]),
    "dict of lists": COLUMN_DICT,
    "dict of arrays": {"text": np.array(TEXTS), "label": np.array(LABELS, object)},
    "dict of series": {"text": pd.Series(TEXTS), "label": pl.Series(LABELS)},
    "list of dicts": RECORDS,
    "generator": (record for record in RECORDS),
    "tuples": list(zip(TEXTS, LABELS, strict=True)),
    "zip": zip(TEXTS, LABELS, strict=True),
    "lists": [list(row) for row in zip(TEXTS, LABELS, strict=True)],
    "named tuples": [Named(label, text) for text, label in zip(TEXTS, LABELS, strict=True)],
    "itertuples": pd.DataFrame(COLUMN_DICT).itertuples(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_rows(kind):
    assert read(KINDS[kind]) == ROWS


def test_a_table_can_be_read_again():
    table = open_table(iter(RECORDS), "data")
    assert list(read_rows(table, COLUMNS)) == list(read_rows(table, COLUMNS))


def test_rows_count_from_one_and_are_named_by_the_argument():
    assert [(row.file, row.line) for row in read_rows(open_table(RECORDS, "data"), COLUMNS)] == [
        ("data", 1),
        ("data", 2),
        ("data", 3),
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 0], ["1", "0"]),
        (np.array([1, 0]), ["1", "0"]),
        (pd.array([1, None], dtype="Int64"), ["1", ""]),
        (pd.Series([1, None]), ["1", ""]),
        (pd.Series([1.5, 2.0]), ["1.5", "2.0"]),
        (pl.Series([1, None]), ["1", ""]),
        (pd.Series(["a", pd.NA], dtype="string"), ["a", ""]),
        (pd.Series(["a", math.nan]), ["a", ""]),
        (pd.Series([pd.Timestamp("2020-02-03"), pd.NaT]), ["2020-02-03 00:00:00", ""]),
        ([np.float32(0.5), np.str_("b")], ["0.5", "b"]),
        ([1, "2"], ["1", "2"]),
        ([True, False], ["True", "False"]),
        (["甲".encode(), decimal.Decimal("1.10")], ["甲", "1.10"]),
    ],
)
def test_labels_are_what_people_mean(labels, expected):
    rows = read({"text": ["a", "b"], "label": labels})
    assert ["".join(of_row) for _, of_row in rows] == expected


def test_several_labels_a_row_come_as_a_list_or_joined():
    columns = Columns(label_separator="|")
    cells = [["酒店|餐饮"], np.array(["酒店", "餐饮"]), ["酒店"], [], "酒店|餐饮"]
    data = [{"text": "a", "label": cell} for cell in cells]
    expected = [("酒店|餐饮",), ("酒店", "餐饮"), ("酒店",), (), ("酒店", "餐饮")]
    assert [labels for _, labels in read(data, columns)] == expected
    frame = pl.DataFrame({"text": ["a"], "label": [["酒店", "餐饮"]]})
    assert read(frame, columns) == [("a", ("酒店", "餐饮"))]


def test_tuples_of_pairs_have_the_label_last():
    (row,) = read_rows(open_table([("一", "二", "yes")], "data"), Columns(pair="pair"))
    assert (row.text, row.pair, row.labels) == ("一", "二", ("yes",))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (7, "data: must be a file, a data frame, .* Received: int"),
        (b"text", "Received: bytes"),
        (pd.Series(TEXTS), "Received: Series"),
        (np.array(TEXTS), "Received: ndarray"),
        ({"text": "很好", "label": "正"}, "Received: dict"),
        ({}, "Received: dict"),
        (pl.DataFrame(COLUMN_DICT).lazy(), r"is a lazy LazyFrame. Pass what its collect\(\) returns"),
        ({"text": ["a", "b"], "label": ["x"]}, "equally long. Received: 'text' 2, 'label' 1"),
        ([1], r"data:1: a row must be a dict or \(text, label\). Received: 1 \(int\)"),
        ([("a",)], r"data:1: a row must be a dict or \(text, label\)"),
        ([{"text": "a", "label": "b"}, "c"], r"data:2: a row must be .* Received: c \(str\)"),
        ([{"text": "a"}], "data:1: has no column 'label'. It has: text"),
        (pd.DataFrame({"review": ["a"], "label": ["b"]}), "Pass text_column='review'"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "has two columns named 'text'"),
        (pd.DataFrame([["a", "b"]]), "has no columns 'text' and 'label'. It has: 0, 1"),
        ([{"text": ["a"], "label": "b"}], "data:1: 'text' holds a list, but text is expected"),
        ([{"text": {"zh": "a"}, "label": "b"}], "data:1: 'text' holds an object"),
        ([{"text": "a", "label": ["b", "c"]}], "data:1: 'label' holds a list, but one label is expected"),
        (pd.DataFrame({"text": ["a"], "label": [["b", "c"]]}), "data:1: 'label' holds a list"),
        ([(pd.DataFrame(COLUMN_DICT), "b")], "data:1: 'text' holds a DataFrame, but text is expected"),
        ([("a", object())], "data:1: 'label' holds an object"),
        (pd.DataFrame(), "has no columns 'text' and 'label'. It has: none"),
        ([("a", b"\xff")], "data:1: 'label' holds bytes that are not UTF-8"),
        ([], "data: holds no rows"),
        (pd.DataFrame({"text": [], "label": []}), "data: holds no rows"),
    ],
)  # fmt: skip
def test_what_is_refused_in_a_file_is_refused_here(data, message):
    with pytest.raises(DataError, match=message) as caught:
        read(data)
    assert "\n" not in str(caught.value)


def test_a_table_of_batches_is_one_table():
    table = pa.concat_tables([pa.table(COLUMN_DICT)] * 3)
    assert read(Stream(table)) == ROWS * 3


CELLS = st.one_of(
    st.none(),
    st.text(),
    st.text(st.characters(categories=["Cs", "Lo"])),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.binary(max_size=3),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_what_is_written_reads_as_the_same_rows(tmp_path_factory, cells):
    table, path = open_table(cells, "data"), tmp_path_factory.mktemp("rows") / "rows" / "rows.jsonl"
    try:
        rows = load_rows([table], COLUMNS)
    except DataError:  # bytes that are no text
        return
    path.parent.mkdir()
    write_table(path, table, COLUMNS)
    again = load_rows([path], COLUMNS)
    assert [(r.text, r.labels, r.line) for r in again.rows] == [(r.text, r.labels, r.line) for r in rows.rows]
    assert len(again.left_out) == len(rows.left_out)


def test_only_the_columns_that_count_are_written(tmp_path):
    day = datetime.date(2020, 2, 3)
    write_table(tmp_path / "rows.jsonl", open_table([{"x": 1, "text": "a", "label": day}], "data"), COLUMNS)
    assert json.loads((tmp_path / "rows.jsonl").read_text()) == {"text": "a", "label": "2020-02-03"}


def test_paths_are_files_and_all_else_is_rows(tmp_path):
    assert as_sources("a.csv", "data") == ["a.csv"]
    assert as_sources([tmp_path / "a.csv", "b.csv"], "data") == [str(tmp_path / "a.csv"), "b.csv"]
    (table,) = as_sources([("a", "b")], "data")
    assert table.name == "data"

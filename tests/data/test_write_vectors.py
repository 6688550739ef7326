import io
import itertools
import json
import tracemalloc
from datetime import datetime
from decimal import Decimal

import numpy as np
import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kerasbert.data import Columns, Row, read_rows
from kerasbert.data.arrow import column_types
from kerasbert.data.write_vectors import vector_format, write_npy, write_parquet
from kerasbert.errors import DataError, UserError

WHOLE = Columns(label=None, whole=True)


def lines_of(vectors: np.ndarray):
    return ((Row(f"文{number}", (), None, "f", 1), vector) for number, vector in enumerate(vectors))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 300), st.integers(1, 40), st.data())
def test_numpy_reads_what_was_written(count, size, data):
    vectors = data.draw(
        arrays(np.float32, (count, size), elements=st.floats(-9, 9, width=32), fill=st.just(1))
    )
    file = io.BytesIO()
    write_npy(vectors, size, file)
    file.seek(0)
    read = np.load(file, allow_pickle=False)
    np.testing.assert_array_equal(read, vectors)
    assert (read.dtype, read.shape, file.read()) == (np.float32, (count, size), b"")


def test_an_array_of_many_rows_can_be_mapped_into_memory(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        write_npy((np.full(2, number, np.float32) for number in range(123_456)), 2, file)
    read = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert read.shape == (123_456, 2)
    assert read[123_455].tolist() == [123_455, 123_455]


@pytest.mark.parametrize("count", [0, 1, 4096, 4097])
def test_parquet_holds_the_cells_and_lists_of_one_size(count, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    path = tmp_path / "a.parquet"
    with path.open("wb") as file:
        write_parquet(lines_of(vectors), 3, file)
    table = pq.read_table(path)
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 3)
    assert table["text"].to_pylist() == [f"文{number}" for number in range(count)]
    assert np.array_equal(table["vector"].combine_chunks().flatten().to_numpy(), vectors.ravel())
    if count:
        assert pl.read_parquet(path)["vector"].dtype == pl.Array(pl.Float32, 3)


@pytest.mark.parametrize("write", [write_npy, write_parquet])
def test_memory_does_not_grow_with_the_rows(write, tmp_path):
    vector = np.zeros(64, np.float32)
    row = vector if write is write_npy else (Row("好", (), None, "f", 1), vector)
    peaks = []
    for count in (10_000, 40_000):
        rows = itertools.repeat(row, count)
        tracemalloc.start()
        with (tmp_path / "out").open("wb") as file:
            write(rows, 64, file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize("name", ["a", "a.npz", "a.npy.gz", "-", "a.csv", ""])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match=r"vectors are written to a file named .npy or .parquet"):
        vector_format(name)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(UserError, match="must be a file, or not exist yet"):
        vector_format(str(tmp_path / "a.npy"))
    assert vector_format(str(tmp_path / "A.NPY")) == "npy"


def written(source, types=None) -> pa.Table:
    """The Parquet file for the rows of `source`, without its vectors."""
    file = io.BytesIO()
    rows = ((row, np.ones(2, np.float32)) for row in read_rows(source, WHOLE))
    write_parquet(rows, 2, file, types or column_types(str(source), WHOLE))
    table = pq.read_table(file)
    assert table["vector"].to_pylist() == [[1, 1]] * len(table)
    return table.drop_columns(["vector"])


def test_json_columns_get_types_that_hold_every_cell(tmp_path):
    rows = [
        {"text": "一", "id": 1, "price": 2, "hot": True, "tags": ["a"], "mixed": "x", "late": None},
        {"text": "二", "id": None, "price": 2.5, "hot": False, "tags": None, "mixed": 3, "late": None},
        {"text": "三\ud800", "id": -5, "price": 1, "hot": True, "tags": ["b", 1], "mixed": {"k": "值"}},
        {"text": None, "huge": 1 << 63, "late": {"k": 1}},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    table = written(path)
    assert {field.name: str(field.type) for field in table.schema} == {
        "text": "string", "id": "int64", "price": "double", "hot": "bool", "tags": "string",
        "mixed": "string", "late": "string", "huge": "string",
    }  # fmt: skip
    assert table.to_pydict() == {
        "text": ["一", "二", "三\ufffd", None],
        "id": [1, None, -5, None],
        "price": [2.0, 2.5, 1.0, None],
        "hot": [True, False, True, None],
        "tags": ['["a"]', None, '["b", 1]', None],
        "mixed": ["x", "3", '{"k": "值"}', None],
        "late": [None, None, None, '{"k": 1}'],
        "huge": [None, None, None, str(1 << 63)],
    }


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_cells_of_csv_are_strings_as_they_are(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    lines = ["id,text,price", "007,好,1.50", "", "8,,"]
    path.write_text("\n".join(lines).replace(",", "," if suffix == ".csv" else "\t"), encoding="utf-8")
    assert written(path).to_pylist() == [
        {"id": "007", "text": "好", "price": "1.50"},
        {"id": "", "text": "", "price": ""},
        {"id": "8", "text": "", "price": ""},
    ]


def test_parquet_columns_keep_their_types(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["好", None], pa.large_string()),
            "id": pa.array([1, None], pa.int8()),
            "day": pa.array([19000, None], pa.date32()),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "price": pa.array([Decimal("1.20"), None]),
            "tags": pa.array([["a"], None]),
            "place": pa.array([{"x": 1.5}, None]),
            "nothing": pa.nulls(2, pa.float16()),
            "raw": pa.array([b"\xff", None]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert written(tmp_path / "a.parquet").equals(table)


def test_a_workbook_keeps_numbers_and_dates(tmp_path):
    book = openpyxl.Workbook()
    for row in (["id", "text", "day"], [1, "好", datetime(2024, 5, 1)], [2, None, None]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert written(tmp_path / "a.xlsx").to_pylist() == [
        {"id": 1, "text": "好", "day": "2024-05-01 00:00:00"},
        {"id": 2, "text": None, "day": None},
    ]


def test_lines_of_text_have_a_column_of_that_name(tmp_path):
    (tmp_path / "a.txt").write_text("一\n\n三\n", encoding="utf-8")
    assert written(tmp_path / "a.txt").to_pylist() == [{"text": "一"}, {"text": ""}, {"text": "三"}]


@pytest.mark.parametrize(
    ("late", "message"),
    [
        (
            {"id": "x"},
            r"a\.jsonl:4100: 'id' holds 'x', and the rows before hold int64\. Write the rows to a file",
        ),
        ({"id": 1.5}, r"'id' holds 1\.5, and the rows before hold int64"),
        ({"id": True}, r"'id' holds True, and"),
        (
            {"new": 1},
            r"a\.jsonl:4100: has a column 'new', which the rows before lack\. Write the rows to a file",
        ),
    ],
)
def test_a_stream_whose_later_rows_differ_is_refused(tmp_path, late, message):
    rows = [{"text": "好", "id": number} for number in range(4099)] + [{"text": "好", **late}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    vectors = ((row, np.ones(2, np.float32)) for row in read_rows(path, WHOLE))
    with pytest.raises(DataError, match=message):
        write_parquet(vectors, 2, io.BytesIO())  # the types of a stream are those of its first rows
    assert written(path).num_rows == 4100


def test_a_column_of_that_name_is_refused_before_the_first_vector(tmp_path):
    (tmp_path / "a.csv").write_text("text,vector\n好,1\n", encoding="utf-8")
    types = column_types(str(tmp_path / "a.csv"), WHOLE)
    with pytest.raises(DataError, match="has a column 'vector' already"):
        write_parquet(iter(lambda: 1 / 0, None), 2, io.BytesIO(), types)

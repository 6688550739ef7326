import csv
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.data import Columns, read_rows
from kerasbert.data.source import read_lines
from kerasbert.errors import DataError, UserError

TEXTS = Columns(label=None)


def _workbook(*rows: list) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def texts_of(path: Path, columns: Columns = TEXTS) -> list[str]:
    return [row.text for row in read_rows(path, columns)]


def error_of(path: Path, columns: Columns = TEXTS) -> str:
    with pytest.raises(UserError) as raised:
        list(read_rows(path, columns))
    return str(raised.value)


SUFFIXES = [".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["", "很好", " ", "a b"]), min_size=1, max_size=8), st.sampled_from(SUFFIXES))
def test_there_is_a_row_for_each_row_blank_or_not(
    write_texts, tmp_path_factory, texts: list[str], suffix: str
):
    path = write_texts(tmp_path_factory.mktemp("rows") / f"a{suffix}", texts)
    rows = list(read_rows(path, TEXTS))
    assert [row.text for row in rows] == texts
    if suffix != ".json":
        first = 2 if suffix in (".csv", ".tsv") else 1
        assert [row.line for row in rows] == list(range(first, first + len(texts)))


def test_blank_rows_after_the_last_of_a_sheet_are_none(write_texts, tmp_path: Path):
    path = write_texts(tmp_path / "a.xlsx", ["一", "", "二", "", ""])
    rows = list(read_rows(path, TEXTS))
    assert [(row.text, row.line) for row in rows] == [("一", 2), ("", 3), ("二", 4)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_upper_case_and_packing_change_nothing(write_texts, tmp_path: Path, suffix: str):
    path = write_texts(tmp_path / f"a{suffix}", ["一", "二"])
    shouted = path.rename(tmp_path / f"A{suffix.upper()}")
    assert texts_of(shouted) == ["一", "二"]
    if suffix != ".parquet":
        packed = tmp_path / f"B{suffix.upper()}.GZ"
        packed.write_bytes(gzip.compress(shouted.read_bytes()))
        assert texts_of(packed) == ["一", "二"]
        shouted.write_bytes(packed.read_bytes())  # packed, and not called so
        assert texts_of(shouted) == ["一", "二"]


@pytest.mark.parametrize("name", ["a.parquet.snappy", "a.csv", "a.txt", "a"])
def test_parquet_and_workbooks_are_known_by_their_content(write_texts, tmp_path: Path, name: str):
    for suffix in (".parquet", ".xlsx"):
        path = write_texts(tmp_path / f"x{suffix}", ["一", "二"])
        assert texts_of(path.rename(tmp_path / name)) == ["一", "二"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"PK\x03\x04 no archive", "is a zip archive"),
        ("a.xlsx", b"PK\x03\x04 no archive", "is not an Excel workbook"),
        ("a.xlsx", "text\n一\n".encode(), "is not an Excel workbook"),
        ("a.parquet", "text\n一\n".encode(), "is not Parquet"),
        ("a.csv", b"PAR1 no table", "is not Parquet"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel version. Save it as CSV UTF-8"),
        ("a.txt", b"BZh91AY", "compressed with bzip2"),
        ("a.csv", b"%PDF-1.7", "is a PDF"),
        ("a.txt", b"ab\0cd\n", "holds NUL bytes, first in line 1"),
        ("a.csv", b"text\nab\ncd\0\n", "holds NUL bytes, first in line 3"),
        ("a.txt.gz", b"plain\n", "is not gzip"),
        (
            "a.txt",
            '{"text": "一"}\n'.encode(),
            "contains JSON rather than lines of text. Rename it to .jsonl",
        ),
        ("a.log", '[{"text": "一"},\n'.encode(), "contains JSON rather than lines"),
        ("a.txt", '[{"text": "一"}, {"text": "二"}]'.encode(), "contains JSON rather than lines"),
        ("a.txt", '[\n  {\n    "text": "一"\n  }\n]\n'.encode(), "contains JSON rather than lines"),
        ("a.txt", '{\n  "text": "一"\n}\n'.encode(), "contains JSON rather than lines"),
        ("a.json", '{\n  "text": "一"\n}\n'.encode(), "Write each object on one line"),
        ("a.csv", "text|label\n一|1\n".encode(), "seems to be separated by vertical bars, not commas"),
        ("a.json", b'[{"text": "a"} {"text": "b"}]', "a comma or ] is missing"),
        ("a.json", b'[{"text": "a"}] x', "something follows the array"),
        ("a.json", b'[{"text": "a"}', "is not JSON"),
        ("a.json", b'[{"text": "a"}, 1]', "a.json:1: must be a JSON object. Received: 1"),
    ],
)
def test_what_is_not_what_it_should_be_is_refused(tmp_path: Path, name: str, content: bytes, message: str):
    path = tmp_path / name
    path.write_bytes(content)
    assert message in error_of(path)
    assert str(path) in error_of(path)


def test_text_that_looks_like_json_is_text(tmp_path: Path):
    path = tmp_path / "a.txt"
    for lines in (['{"other": 1}', "[1]", "{text}"], ['{"text": 1} is JSON'], ["[", "{", "房间很好"], ["{"]):
        path.write_text("\n".join(lines), encoding="utf-8")
        assert texts_of(path) == lines


@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "a.csv", "a.jsonl", "pipe"])
def test_carriage_returns_end_lines_where_there_are_no_line_feeds(write_texts, tmp_path: Path, name: str):
    source = write_texts(tmp_path / name.replace("pipe", "a.txt"), ["一", "二", "三"])
    content = source.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    source.unlink()
    path = tmp_path / name
    writer = threading.Thread(target=path.write_bytes, args=[content])
    if name == "pipe":
        os.mkfifo(path)
    writer.start()
    if name != "pipe":
        writer.join()
    assert texts_of(path) == ["一", "二", "三"]
    writer.join()


def test_a_json_array_gives_the_line_of_each_object(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text('\n[\n{"text": "一"},\n\n{"text":\n"二"}]\n', encoding="utf-8")
    assert [(row.text, row.line) for row in read_rows(path, TEXTS)] == [("一", 3), ("二", 5)]


def test_a_workbook_with_several_sheets_is_refused(tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    book.active.append(["好", 1])
    book.create_sheet("Sheet2")  # an empty one does not count
    book.save(tmp_path / "a.xlsx")
    (row,) = read_rows(tmp_path / "a.xlsx", Columns())
    assert (row.text, row.labels, row.line) == ("好", ("1",), 2)
    book["Sheet2"].append(["x"])
    book.save(tmp_path / "a.xlsx")
    assert "has several sheets (Sheet, Sheet2)" in error_of(tmp_path / "a.xlsx")


def _with_sheet(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part) if name.startswith("xl/worksheets/") else part)
    return changed.getvalue()


@pytest.mark.parametrize("stated", [b"A1", b"A1:B2", b"A1:Z99"])
def test_every_row_of_a_sheet_counts_whatever_size_the_file_states(tmp_path: Path, stated: bytes):
    content = _workbook(["label", "text"], ["1", "一"], ["0", "二"], [None, None], ["1", "三"])
    assert b'ref="A1:B5"' in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    path = tmp_path / "a.xlsx"
    path.write_bytes(_with_sheet(content, lambda sheet: sheet.replace(b"A1:B5", stated)))
    assert [(row.text, row.line) for row in read_rows(path, TEXTS)] == [
        ("一", 2),
        ("二", 3),
        ("", 4),
        ("三", 5),
    ]


def test_a_damaged_sheet_is_refused(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(_with_sheet(_workbook(["text"], ["一"]), lambda sheet: sheet[: len(sheet) // 2]))
    assert error_of(path).startswith(f"{path}: is not an Excel workbook (")


def test_the_first_line_of_a_csv_may_be_long(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(f"text,{'x' * 140_000}\n好,1\n", encoding="utf-8")
    before = csv.field_size_limit(131_072)  # Python's default
    try:
        assert texts_of(path) == ["好"]
    finally:
        csv.field_size_limit(before)


def test_a_workbook_without_its_library_says_what_to_do(write_texts, tmp_path: Path, monkeypatch):
    path = write_texts(tmp_path / "a.xlsx", ["一"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    message = error_of(path)
    assert "pip install 'kerasbert[excel]'" in message
    assert "save the sheet as CSV UTF-8" in message


# --- cells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [["a", "b"], {"zh": "a"}, [], [["a"]]])
@pytest.mark.parametrize("column", ["text", "label", "pair"])
def test_lists_and_objects_are_no_cells(tmp_path: Path, value: object, column: str):
    if column == "label" and value == []:
        return  # no label, as annotation tools write it
    path = tmp_path / "a.jsonl"
    row = {"text": "x", "label": "y", "pair": "z"}
    path.write_text(f"{json.dumps(row)}\n{json.dumps(row | {column: value})}\n", encoding="utf-8")
    message = error_of(path, Columns(pair="pair"))
    assert message.startswith(f"{path}:2: {column!r} holds ")
    if value and isinstance(value, list):
        pq.write_table(pa.Table.from_pylist([row | {column: value}]), tmp_path / "a.parquet")
        assert error_of(tmp_path / "a.parquet", Columns(pair="pair")).startswith(f"{tmp_path}/a.parquet:1: ")


def test_what_is_no_number_is_an_empty_cell(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": NaN, "label": Infinity}\n{"text": "nan", "label": -Infinity}\n', encoding="utf-8"
    )
    assert [(row.text, row.labels) for row in read_rows(path, Columns())] == [("", ()), ("nan", ())]
    table = pa.table({"text": ["a", None, "b"], "label": [float("nan"), 1.0, None]})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = list(read_rows(tmp_path / "a.parquet", Columns()))
    assert [(row.text, row.labels) for row in rows] == [("a", ()), ("", ("1",)), ("b", ())]


def test_items_of_a_list_of_labels_are_never_joined(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "label": ["a|b", " c "]}\n', encoding="utf-8")
    (row,) = read_rows(path, Columns(label_separator="|"))
    assert row.labels == ("a|b", "c")


def test_a_repeated_column_is_refused(tmp_path: Path):
    for name, content in (
        ("a.csv", "text,label,label\nx,1,2\n"),
        ("a.tsv", "text\ttext\tlabel\nx\ty\t1\n"),
        ("a.jsonl", '{"text": "x", "label": 1, "label": 2}\n'),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
        message = error_of(tmp_path / name, Columns())
        assert "two columns named" in message or "occurs twice" in message
    table = pa.table([pa.array(["x"]), pa.array(["1"]), pa.array(["2"])], names=["text", "label", "label"])
    pq.write_table(table, tmp_path / "a.parquet")
    assert "two columns named 'label'" in error_of(tmp_path / "a.parquet", Columns())


# --- columns and delimiters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "columns", "meant"),
    [
        ("id,review", TEXTS, "Did you mean 'review'? Set data.text_column: review."),
        ("id,Text ", TEXTS, "Did you mean 'Text '? Set data.text_column: 'Text '."),
        ("id,\u200btext", TEXTS, "Did you mean '\\u200btext'?"),
        (
            "编号,内容,类别",
            Columns(),
            "Did you mean '内容' and '类别'? Set data.text_column: 内容 and data.label_column: 类别.",
        ),
        ("label,txet", TEXTS, "Did you mean 'txet'?"),
        ("a,b", TEXTS, "It has: a, b. Rename a column, or set data.text_column."),
    ],
)
def test_missing_columns_are_named_with_those_that_were_meant(
    tmp_path: Path, header: str, columns: Columns, meant: str
):
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{'x,' * header.count(',')}x\n", encoding="utf-8")
    message = error_of(path, columns)
    assert meant in message
    assert message.startswith(f"{path}:1: has no column")
    assert "\n" not in message


def test_the_only_column_is_the_text_if_it_is_called_so(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("评论\n好\n", encoding="utf-8")
    assert texts_of(path) == ["好"]
    path.write_text("房间很好\n早餐不错\n", encoding="utf-8")  # texts without a header
    assert "has no column 'text'" in error_of(path)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_another_delimiter_is_taken_where_it_gives_the_columns_and_else_named(tmp_path: Path, mark: str):
    path = tmp_path / "a.csv"
    path.write_text(f'text{mark}label\n"一{mark}二"{mark}1\n三,四{mark}2\n', encoding="utf-8")
    assert texts_of(path, Columns()) == [f"一{mark}二", "三,四"]
    path.write_text(f"a{mark}b\n1{mark}2\n", encoding="utf-8")
    assert f"seems to be separated by {'semicolons' if mark == ';' else 'tabs'}, not commas" in error_of(
        path, Columns()
    )


def test_commas_in_tsv_are_named(tmp_path: Path):
    path = tmp_path / "a.tsv"
    path.write_text("text,label\n好,1\n", encoding="utf-8")
    assert "seems to be separated by commas, not tabs" in error_of(path, Columns())


# --- streams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"text,label\r\nx,1\r\ny,2\r\n",
        b"text\tlabel\nx\t1\ny\t2\n",
        b'{"text": "x", "label": 1}\n{"text": "y", "label": 2}\n',
        b'[{"text": "x", "label": 1}, {"text": "y", "label": 2}]',
        gzip.compress(b"label,text\n1,x\n2,y\n", mtime=0),
        pytest.param(_workbook(["text", "label"], ["x", 1], ["y", 2]), id="workbook"),
    ],
)
def test_a_pipe_holds_a_table_where_labels_are_needed(tmp_path: Path, content: bytes):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[content])
    writer.start()
    assert [(row.text, row.labels) for row in read_rows(pipe, Columns())] == [("x", ("1",)), ("y", ("2",))]
    writer.join()


def test_lines_of_a_file_that_is_no_text_are_refused(write_texts, tmp_path: Path):
    with pytest.raises(DataError, match="is a table"):
        list(read_lines(write_texts(tmp_path / "a.parquet", ["x"])))
    assert list(read_lines(write_texts(tmp_path / "a.txt", ["x", "y"]))) == ["x\n", "y\n"]


def test_reading_imports_no_tensorflow():
    code = "import sys, kerasbert.data.read_options; print({'tensorflow', 'sklearn'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_memory_does_not_grow_with_the_rows(tmp_path: Path):
    path = tmp_path / "a.csv"
    peaks = []
    for count in (2_000, 20_000):
        path.write_text("text,label\n" + "房间很干净,1\n" * count, encoding="utf-8")
        tracemalloc.start()
        assert sum(1 for _ in read_rows(path, Columns())) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A block of the file is decoded at a time.
    assert peaks[1] - peaks[0] < 4 << 20

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.config import DataConfig
from kerasbert.data import Columns, Row, read_rows
from kerasbert.errors import DataError

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns a function that writes a file, gzipped if its name says so."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


def read(path: Path, **columns) -> list[Row]:
    return list(read_rows(path, Columns(**columns)))


def cells(rows: list[Row]) -> list[tuple[str, tuple[str, ...]]]:
    return [(row.text, row.labels) for row in rows]


def error_of(path: Path, **columns) -> str:
    with pytest.raises(DataError) as raised:
        read(path, **columns)
    return str(raised.value)


# --- formats ------------------------------------------------------------------------------------------

CSV = 'text,label\r\n"很好，a ""b"", c",1\r\n"两\n行",0\r\n  x ,1\r\n'
TSV = 'label\ttext\n1\t"很好" a, \'b\n0\t"\n\n1\tx\u2028y\n'
JSONL = '{"text": "很好\\n", "label": 1}\n\n{"label": "0", "text": "x\\ty"}\n'


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_csv_cells_may_hold_quotes_commas_and_line_ends(suffix: str, write: Write):
    rows = read(write("a.csv" + suffix, CSV))
    assert cells(rows) == [('很好，a "b", c', ("1",)), ("两\n行", ("0",)), ("  x ", ("1",))]
    assert [row.line for row in rows] == [2, 4, 5]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_in_tsv_quotes_are_literal(suffix: str, write: Write):
    rows = read(write("a.tsv" + suffix, TSV))
    assert cells(rows) == [('"很好" a, \'b', ("1",)), ('"', ("0",)), ("", ()), ("x\u2028y", ("1",))]
    assert [row.line for row in rows] == [2, 3, 4, 5]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_jsonl_takes_numbers_and_skips_blank_lines(suffix: str, write: Write):
    rows = read(write("a.jsonl" + suffix, JSONL))
    assert cells(rows) == [("很好\n", ("1",)), ("x\ty", ("0",))]
    assert [row.line for row in rows] == [1, 3]
    assert {row.file for row in rows} == {rows[0].file}


def test_tsv_lines_may_end_in_crlf(write: Write):
    assert cells(read(write("a.tsv", "text\tlabel\r\n好\t1\r\n坏\t0"))) == [("好", ("1",)), ("坏", ("0",))]


def test_a_lone_carriage_return_does_not_end_a_line_of_tsv(write: Write):
    assert cells(read(write("a.tsv", "text\tlabel\n好\r的\t1\n"))) == [("好\r的", ("1",))]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_an_empty_last_cell_is_a_cell(name: str, write: Write):
    content = "text,label\n好,\n,1\n".replace(",", "," if name == "a.csv" else "\t")
    assert cells(read(write(name, content))) == [("好", ()), ("", ("1",))]


def test_columns_may_stand_in_any_order_among_others(write: Write):
    path = write("a.csv", "id,标签,x,正文\n7,好,y,文\n")
    assert cells(read(path, text="正文", label="标签")) == [("文", ("好",))]


def test_parquet_is_read_in_order_over_row_groups(tmp_path: Path):
    texts = [f"第{i}行" for i in range(1000)]
    table = pa.table({"text": texts, "label": [i % 3 for i in range(1000)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=64)
    rows = read(tmp_path / "a.parquet")
    assert [row.text for row in rows] == texts
    assert [row.labels for row in rows[:4]] == [("0",), ("1",), ("2",), ("0",)]
    assert [row.line for row in rows[:3]] == [1, 2, 3]


def test_parquet_strings_may_be_large_dictionaries_or_bytes(tmp_path: Path):
    for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()):
        column = (
            pa.array(["好", "坏"]).cast(kind)
            if kind != pa.binary()
            else pa.array(["好".encode(), "坏".encode()])
        )
        pq.write_table(pa.table({"text": column, "label": ["1", "0"]}), tmp_path / "a.parquet")
        assert [row.text for row in read(tmp_path / "a.parquet")] == ["好", "坏"], kind


def as_csv(rows: list[tuple[str, str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("text", "label"), *rows])
    return file.getvalue()


def as_tsv(rows: list[tuple[str, str]]) -> str:
    return "".join(f"{text}\t{label}\n" for text, label in [("text", "label"), *rows])


def as_jsonl(rows: list[tuple[str, str]]) -> str:
    objects = [{"text": text, "label": label} for text, label in rows]
    return "".join(json.dumps(o, ensure_ascii=i % 2 == 0) + "\n" for i, o in enumerate(objects))


def as_parquet(rows: list[tuple[str, str]]) -> bytes:
    file = io.BytesIO()
    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"text": pa.array(texts, pa.string()), "label": labels}), file)
    return file.getvalue()


LABEL = st.sampled_from(["好评", "1", "a,b", 'a"b'])
ANY_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("\"',\n\r \u2028\x85\x1c\ufeff"),
    max_size=12,
)
ONE_LINE = ANY_TEXT.map(lambda text: text.translate(dict.fromkeys(map(ord, "\t\n\r"))))


def check_round_trip(rows: list[tuple[str, str]], formats: dict, folder: Path) -> None:
    expected = [(text, (label,)) for text, label in rows]
    for suffix, content in formats.items():
        data = content(rows)
        data = data.encode() if isinstance(data, str) else data
        for name, stored in ((f"a.{suffix}", data), (f"a.{suffix}.gz", gzip.compress(data, 1))):
            if name != "a.parquet.gz":
                (folder / name).write_bytes(stored)
                assert cells(read(folder / name)) == expected, name


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(ONE_LINE, LABEL), min_size=1, max_size=6))
def test_the_same_rows_are_read_from_all_formats(rows: list, tmp_path_factory: pytest.TempPathFactory):
    formats = {"csv": as_csv, "tsv": as_tsv, "jsonl": as_jsonl, "parquet": as_parquet}
    check_round_trip(rows, formats, tmp_path_factory.mktemp("rows"))


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(ANY_TEXT, LABEL), min_size=1, max_size=6))
def test_line_ends_and_tabs_survive_where_the_format_has_a_way(rows: list, tmp_path_factory):
    formats = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}
    check_round_trip(rows, formats, tmp_path_factory.mktemp("rows"))


def test_a_long_cell_is_read_whole(write: Write):
    text = "很" * 300_000
    for path in (write("a.csv", f'text,label\n"{text}",1\n'), write("a.tsv", f"text\tlabel\n{text}\t1\n")):
        assert cells(read(path)) == [(text, ("1",))]


def test_real_files_are_read_to_the_last_row(shared_data: Path):
    """The row counts are those of ../shared/data/README.md; a reader that minds quotes finds fewer."""
    for file, text, count in (
        ("chnsenticorp/train.tsv", "text_a", 9600),
        ("spam_sms/train.tsv", "text", 6509),
        ("thucnews_titles/dev.tsv", "text", 10000),
    ):
        assert sum(1 for _ in read_rows(shared_data / file, Columns(text=text))) == count


# --- encodings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8"])
def test_a_byte_order_mark_is_no_part_of_a_column_name(name: str, encoding: str, write: Write):
    separator = "\t" if "tsv" in name else ","
    path = write(name, f"\ufefftext{separator}label\n好{separator}1\n")
    assert cells(read(path, encoding=encoding)) == [("好", ("1",))]


def test_a_byte_order_mark_before_json_is_skipped(write: Write):
    assert cells(read(write("a.jsonl", '\ufeff{"text": "好", "label": 1}\n'))) == [("好", ("1",))]


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_other_encodings_are_decoded(encoding: str, write: Write):
    for name, separator in (("a.csv", ","), ("a.tsv", "\t"), ("a.tsv.gz", "\t")):
        path = write(name, f"text{separator}label\n中文好{separator}1\n一二{separator}0\n".encode(encoding))
        assert cells(read(path, encoding=encoding)) == [("中文好", ("1",)), ("一二", ("0",))]


def test_half_an_emoji_in_json_becomes_the_replacement_character(write: Write):
    """JSON may hold a lone surrogate, as cut texts do. No UTF-8 can, nor can a TensorFlow string."""
    (row,) = read(write("a.jsonl", '{"text": "好\\ud83d", "label": "1"}\n'))
    assert row.text.encode() == "好\ufffd".encode()


@pytest.mark.parametrize("encoding", ["utf-9", "klingon", "base64"])
def test_an_unknown_encoding_is_named(encoding: str, write: Write):
    message = error_of(write("a.csv", "text,label\n好,1\n"), encoding=encoding)
    assert message == f"data.encoding: unknown encoding. Received: {encoding!r}"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_an_encoding_that_cannot_read_the_file_at_all_is_an_error(encoding: str, write: Write):
    """UTF-16 wants a byte-order mark."""
    for name, separator in (("a.csv", ","), ("a.tsv", "\t")):
        message = error_of(write(name, f"text{separator}label\nx{separator}1\n"), encoding=encoding)
        assert encoding in message or name in message


# --- labels and pairs ---------------------------------------------------------------------------------


def test_labels_are_stripped_and_renamed(write: Write):
    path = write("a.csv", "text,label\n好, 1 \n坏,0\n中,2\n")
    rows = read(path, label_map={"1": "positive", "0": "negative"})
    assert [row.labels for row in rows] == [("positive",), ("negative",), ("2",)]


def test_a_separator_gives_any_number_of_labels(write: Write):
    path = write("a.csv", "text,label\nx,a|b\ny,\nz, a | |c\nw,b\n")
    rows = read(path, label_separator="|", label_map={"b": "B"})
    assert [row.labels for row in rows] == [("a", "B"), (), ("a", "c"), ("B",)]


def test_without_a_separator_a_label_is_whole(write: Write):
    assert [row.labels for row in read(write("a.csv", "text,label\nx,a|b\n"))] == [("a|b",)]


def test_lists_of_labels_are_taken_from_jsonl_and_parquet(write: Write, tmp_path: Path):
    pq.write_table(pa.table({"text": ["x", "y"], "label": [["a", "b"], []]}), tmp_path / "a.parquet")
    lines = '{"text": "x", "label": ["a", "b"]}\n{"text": "y", "label": []}\n'
    for path in (tmp_path / "a.parquet", write("a.jsonl", lines)):
        assert [row.labels for row in read(path, label_separator="|")] == [("a", "b"), ()]


def test_a_missing_value_is_an_empty_cell(write: Write, tmp_path: Path):
    pq.write_table(pa.table({"text": ["x", None], "label": [None, "1"]}), tmp_path / "a.parquet")
    lines = '{"text": "x", "label": null}\n{"text": null, "label": "1"}\n'
    for path in (tmp_path / "a.parquet", write("a.jsonl", lines)):
        assert cells(read(path)) == [("x", ()), ("", ("1",))]


def test_a_pair_column_is_read_and_else_there_is_none(write: Write):
    path = write("a.csv", "text,other,label\nx,y,1\nz,,0\n")
    assert [row.pair for row in read(path, pair="other")] == ["y", ""]
    assert [row.pair for row in read(path)] == [None, None]


def test_without_a_label_column_rows_have_no_labels(write: Write):
    assert cells(read(write("a.csv", "text\nx\n"), label=None)) == [("x", ())]


def test_columns_come_from_the_configuration():
    config = DataConfig(
        text_column="正文", label_column="标签", pair_column="二", label_map={1: "a"}, encoding="gb18030"
    )
    assert Columns.from_config(config, "|") == Columns(
        "正文", "标签", "二", {"1": "a"}, "|", "gb18030", "gb18030"
    )


# --- errors -------------------------------------------------------------------------------------------

TEXT_SUFFIXES = [".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz"]


@pytest.mark.parametrize("suffix", [*TEXT_SUFFIXES, ".parquet"])
def test_a_missing_file_is_named(suffix: str, tmp_path: Path):
    assert error_of(tmp_path / f"none{suffix}").startswith(f"{tmp_path}/none{suffix}: cannot be read (")


@pytest.mark.parametrize("suffix", [*TEXT_SUFFIXES, ".parquet"])
def test_a_directory_is_named(suffix: str, tmp_path: Path):
    path = tmp_path / f"folder{suffix}"
    path.mkdir()
    assert error_of(path).startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", [*TEXT_SUFFIXES, ".parquet"])
def test_an_empty_file_is_an_error(suffix: str, write: Write):
    message = error_of(write(f"a{suffix}", ""))
    assert "holds no rows" in message or "is not Parquet" in message


@pytest.mark.parametrize("content", ["text,label\n", "text,label", "\n\n"])
def test_a_file_without_rows_is_an_error(content: str, write: Write, tmp_path: Path):
    assert error_of(write("a.csv", content)).endswith("a.csv: holds no rows.")
    assert error_of(write("a.tsv", content.replace(",", "\t"))).endswith("a.tsv: holds no rows.")


def test_a_parquet_file_without_rows_is_an_error(tmp_path: Path):
    pq.write_table(
        pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())}),
        tmp_path / "a.parquet",
    )
    assert error_of(tmp_path / "a.parquet").endswith("a.parquet: holds no rows.")


@pytest.mark.parametrize("name", ["a.txt", "a", "a.gz", "a.CSV.zip"])
def test_an_unknown_suffix_names_the_known_ones(name: str, write: Write):
    message = error_of(write(name, "x"))
    assert f"{name}: unknown format. Expected one of .csv .tsv .jsonl" in message


@pytest.mark.parametrize("missing", ["text", "label", "other"])
def test_a_missing_column_is_named_with_the_place_and_those_there(missing: str, write: Write, tmp_path: Path):
    columns = (
        {"pair": "other"} | {"text": "a", "label": "b"} | ({missing: "zz"} if missing != "other" else {})
    )
    columns["pair"] = "zz" if missing == "other" else "c"
    pq.write_table(pa.table({"a": ["x"], "b": ["y"], "c": ["z"]}), tmp_path / "a.parquet")
    paths = {
        write("a.csv", "a,b,c\nx,y,z\n"): ":1",
        write("a.tsv", "a\tb\tc\nx\ty\tz\n"): ":1",
        write("a.jsonl", '{"a": "x", "b": "y", "c": "z"}\n'): ":1",
        tmp_path / "a.parquet": "",
    }
    for path, line in paths.items():
        assert error_of(path, **columns).startswith(f"{path}{line}: has no column 'zz'. It has: a, b, c.")


def test_a_json_line_without_the_column_is_named_by_its_own_line(write: Write):
    path = write("a.jsonl", '{"text": "x", "label": "1"}\n\n{"text": "y"}\n')
    assert error_of(path).startswith(f"{path}:3: has no column 'label'. It has: text.")


@pytest.mark.parametrize("row", ["x", "x,1,2", 'x",1,y', "a,b,c,d"])
def test_a_wrong_number_of_cells_names_the_line(row: str, write: Write):
    count = row.count(",") + 1
    path = write("a.csv", f"text,label\nok,1\n\n{row}\n")
    assert error_of(path).startswith(f"{path}:4: has {count} cells, the header has 2 (text, label).")
    path = write("a.tsv", f"text\tlabel\nok\t1\n\n{row}\n".replace(",", "\t"))
    assert error_of(path).startswith(f"{path}:4: has {count} cells, the header has 2 (text, label).")


def test_a_quote_that_is_never_closed_is_an_error(write: Write):
    """csv.reader would take the rest of the file for one cell, and lose rows without a word."""
    path = write("a.csv", 'label,text\n2,w\n1,"x\n0,y\n1,z\n')
    assert error_of(path).startswith(f"{path}: is not CSV (")
    assert "in the row that begins in line 3." in error_of(path)


@pytest.mark.parametrize(
    "line", ["{", "{'text': 1}", '{"text": "x" "label": 1}', "text", '{"a": 1} {"b": 2}']
)
def test_bad_json_names_the_line(line: str, write: Write):
    path = write("a.jsonl", f'{{"text": "x", "label": "1"}}\n\n{line}\n')
    assert error_of(path).startswith(f"{path}:3: is not JSON (")


@pytest.mark.parametrize("line", ["[1, 2]", '"x"', "3", "null"])
def test_json_that_is_no_object_names_the_line(line: str, write: Write):
    path = write("a.jsonl", f"{line}\n")
    assert error_of(path) == f"{path}:1: must be a JSON object. Received: {line}"


def test_deeply_nested_json_is_an_error(write: Write):
    depth = sys.getrecursionlimit() * 50
    assert "a.jsonl:1: is not JSON" in error_of(write("a.jsonl", "[" * depth + "]" * depth))


@pytest.mark.parametrize("suffix", [".csv.gz", ".tsv.gz", ".jsonl.gz"])
def test_a_truncated_gzip_file_is_an_error(suffix: str, tmp_path: Path):
    separator = "," if "csv" in suffix else "\t"
    lines = [f"{i * i * 7919}{separator}{i}" for i in range(2000)]
    if suffix == ".jsonl.gz":
        content = "".join(json.dumps({"text": line, "label": "1"}) + "\n" for line in lines)
    else:
        content = "\n".join([f"text{separator}label", *lines])
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(content.encode())[:-200])
    assert error_of(path).startswith(f"{path}: cannot be read (")


def test_a_damaged_gzip_file_is_an_error(tmp_path: Path):
    whole = bytearray(gzip.compress(b"text,label\n" + b"".join(b"%d,1\n" % (i * 7919) for i in range(2000))))
    path = tmp_path / "a.csv.gz"
    for place in (0, 2, len(whole) // 2, len(whole) - 6):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        assert str(path) in error_of(path)


def test_a_plain_file_called_gz_is_an_error(tmp_path: Path):
    path = tmp_path / "a.csv.gz"
    path.write_text("text,label\nx,1\n", encoding="utf-8")
    assert error_of(path).startswith(f"{path}: cannot be read (")


def test_a_damaged_parquet_file_is_an_error(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"{i}好" for i in range(5000)], "label": ["1"] * 5000}), path)
    whole = path.read_bytes()
    for damaged in (b"text,label\nx,1\n", whole[: len(whole) // 2], whole[4:], b"PAR1" + bytes(64) + b"PAR1"):
        path.write_bytes(damaged)
        assert str(path) in error_of(path)


def test_rows_before_an_error_are_given(write: Write):
    rows = read_rows(write("a.csv", "text,label\nx,1\ny\n"), Columns())
    assert next(rows).text == "x"
    with pytest.raises(DataError):
        next(rows)

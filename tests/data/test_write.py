import gzip
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.data import Columns, read_rows
from kerasbert.data.write import write_records, written_format
from kerasbert.errors import UserError

TEXTS = st.lists(
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("\"',\n\r\t ;\u2028"),
        max_size=9,
    ),
    max_size=8,
)


def records(texts: list[str], pair: bool = False) -> list[dict]:
    more = {"pair": "后"} if pair else {}
    return [
        {
            "text": text,
            **more,
            "label": "好,评",
            "score": 0.5 + place / 64,
            "probabilities": {"好,评": 0.5, "坏": 0.5},
        }
        for place, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.CSV.GZ", "a.jsonl.gz", "a.tsv.gz"]
)
@settings(deadline=None, max_examples=25)
@given(texts=TEXTS)
def test_what_is_written_is_read_again(name: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory):
    if "tsv" in name:
        texts = ["".join(c for c in text if c not in "\t\r\n") for text in texts]
    path = tmp_path_factory.mktemp("written") / name
    with path.open("wb") as file:
        write_records(records(texts), file, written_format(name), compress=name.lower().endswith(".gz"))
    if texts:
        rows = list(read_rows(path, Columns()))
        assert [(row.text, row.labels) for row in rows] == [(text, ("好,评",)) for text in texts]
        scores = [row.labels[0] for row in read_rows(path, Columns(label="score"))]
        assert [float(score) for score in scores] == [0.5 + place / 64 for place in range(len(texts))]


def test_tables_say_what_is_accepted_where_that_is_known(tmp_path: Path):
    file = io.BytesIO()
    write_records(({**record, "accepted": True} for record in records(["好"], pair=True)), file, "tsv")
    assert file.getvalue().decode().splitlines() == [
        "text\tpair\tlabel\tscore\taccepted",
        "好\t后\t好,评\t0.5\tTrue",
    ]


def test_parquet_and_json_hold_all_of_an_answer(tmp_path: Path):
    path = tmp_path / "a.parquet"
    with path.open("wb") as file:
        write_records(iter(records(["好"] * 5000, pair=True)), file, "parquet")
    assert pq.read_table(path).to_pylist() == records(["好"] * 5000, pair=True)
    written = io.BytesIO()
    write_records(records(["好"], pair=True), written, "jsonl")
    assert json.loads(written.getvalue()) == records(["好"], pair=True)[0]


def test_a_pair_has_a_cell_of_its_own():
    written = io.BytesIO()
    write_records(records(["一,二"], pair=True), written, "csv")
    assert written.getvalue().decode() == 'text,pair,label,score\r\n"一,二",后,"好,评",0.5\r\n'


def test_packing_gives_the_same_bytes_each_time():
    packed = [io.BytesIO(), io.BytesIO()]
    for file in packed:
        write_records(records(["好"]), file, "tsv", compress=True)
    assert packed[0].getvalue() == packed[1].getvalue()
    assert gzip.decompress(packed[0].getvalue()).decode() == "text\tlabel\tscore\n好\t好,评\t0.5\n"


@pytest.mark.parametrize(
    ("output", "form", "expected"),
    [
        ("-", None, "jsonl"),
        ("-", "tsv", "tsv"),
        ("a.CSV", None, "csv"),
        ("a.tsv.gz", None, "tsv"),
        ("a.parquet", None, "parquet"),
        ("a.csv", "tsv", "tsv"),
        ("a.ndjson", None, "jsonl"),
        ("answers", None, "jsonl"),
        ("a.txt", None, "jsonl"),
    ],
)
def test_the_name_chooses_the_format_unless_one_is_given(output: str, form: str | None, expected: str):
    assert written_format(output, form) == expected


@pytest.mark.parametrize("output", ["a.xlsx", "a.parquet.gz"])
def test_what_is_not_written_is_refused(output: str):
    with pytest.raises(UserError, match=output):
        written_format(output)

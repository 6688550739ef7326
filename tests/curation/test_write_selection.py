import csv
import datetime
import json

import pytest

from kerasbert.config import DataConfig
from kerasbert.curation.select import DOUBTED, Selected
from kerasbert.curation.write_selection import write_selection
from kerasbert.data import Row

CELLS = {"text": "好", "day": datetime.date(2026, 1, 2), "stars": float("nan"), "tags": [float("nan")]}
SELECTED = [Selected(Row("好", (), None, "pool.parquet", 1, CELLS), ("good",), 0.51234, DOUBTED)]


def write(tmp_path, name: str, form: str) -> str:
    write_selection(SELECTED, str(tmp_path / name), form, DataConfig(), "|", "run")
    return (tmp_path / name).read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("name", "form"), [("a.json", "label-studio"), ("a.jsonl", "doccano"), ("a.jsonl", "table")]
)
def test_dates_are_text_and_missing_numbers_are_null(tmp_path, name: str, form: str):
    written = json.loads(write(tmp_path, name, form), parse_constant=pytest.fail)
    cells = written[0]["data"] if form == "label-studio" else written
    assert (cells["day"], cells["stars"], cells["tags"]) == ("2026-01-02", None, [None])


def test_a_missing_number_is_an_empty_cell(tmp_path):
    (row,) = csv.DictReader(write(tmp_path, "a.csv", "table").splitlines())
    assert (row["day"], row["stars"], row["tags"]) == ("2026-01-02", "", "[null]")

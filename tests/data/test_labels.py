import pandas as pd
import pytest

from kerasbert.data import Columns, read_rows, read_valid_rows
from kerasbert.data.labels import read_labels, write_labels
from kerasbert.data.table import open_table
from kerasbert.errors import CheckpointError


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_labels_come_back_as_they_were(tmp_path, ends):
    labels = ["", "好\u2028评", " b ", "c\rd"]
    file = tmp_path / "labels.txt"
    write_labels(file, labels)
    file.write_bytes(file.read_bytes().replace(b"\n", ends))
    assert read_labels(file) == labels


@pytest.mark.parametrize("content", [None, b"\xff\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    if content:
        (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"labels\.txt: cannot be read"):
        read_labels(tmp_path / "labels.txt")


@pytest.mark.parametrize(
    ("values", "read"), [([1.0, None, 2.0], ["1", "", "2"]), ([1.5, 2.0], ["1.5", "2.0"])]
)
def test_labels_are_alike_from_a_frame_and_from_its_parquet_file(tmp_path, values, read):
    frame = pd.DataFrame({"text": ["好"] * len(values), "label": values})
    frame.to_parquet(tmp_path / "a.parquet")
    for source in (open_table(frame, "data"), tmp_path / "a.parquet"):
        assert ["".join(row.labels) for row in read_rows(source, Columns())] == read


def test_a_model_of_before_knows_its_labels(tmp_path):
    pd.DataFrame({"text": ["好", "坏"], "label": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    rows = read_valid_rows([tmp_path / "a.parquet"], Columns(label_map={"2.0": "坏"}), ("1.0", "坏"))
    assert rows.labels == [("1.0",), ("坏",)]

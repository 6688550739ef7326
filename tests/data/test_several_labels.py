import json
from pathlib import Path

import pytest

from kerasbert.data import Columns, read_rows
from kerasbert.errors import DataError

NAMES = ("房间", "早餐", "服务")


def labels_of(tmp_path: Path, cell, suffix: str = ".jsonl", **columns) -> tuple[str, ...]:
    path = tmp_path / f"rows{suffix}"
    if suffix == ".jsonl":
        path.write_text(json.dumps({"text": "x", "label": cell}), encoding="utf-8")
    else:
        path.write_text(f"text\tlabel\nx\t{cell}\n", encoding="utf-8")
    ((row),) = read_rows(path, Columns(**{"label_separator": "|", **columns}))
    return row.labels


@pytest.mark.parametrize(
    "cell",
    [
        [1, 0, 1],
        [1.0, 0.0, 1.0],
        [True, False, True],
        ["1", "0", "1"],
        "[1, 0, 1]",
        "[1 0 1]",
        "1,0,1",
        "1|0|1",
        "[1. 0. 1.]",
        "1 0 1",
        "[True, False, True]",
    ],
    ids=repr,
)
def test_one_hot_lists_are_read_by_the_names_of_their_places(tmp_path: Path, cell):
    assert labels_of(tmp_path, cell, labels=NAMES) == ("房间", "服务")
    with pytest.raises(
        DataError, match=r"rows\.jsonl:1: 'label' holds a one-hot list of 3, .* It names none\."
    ):
        labels_of(tmp_path, cell)
    with pytest.raises(DataError, match=r"holds a one-hot list of 3, .* It names 2\."):
        labels_of(tmp_path, cell, labels=NAMES[:2])


def test_two_places_are_one_hot_where_their_names_are_others(tmp_path: Path):
    assert labels_of(tmp_path, [0, 1], labels=NAMES[:2]) == ("早餐",)
    assert labels_of(tmp_path, [0, 1]) == ("0", "1")
    assert labels_of(tmp_path, [0, 1], labels=("0", "1")) == ("0", "1")
    assert labels_of(tmp_path, [0, 0, 0], labels=NAMES) == ()


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("酒店|好", ("酒店", "好")),
        ('["酒店", "好"]', ("酒店", "好")),
        ("['酒店', '好,坏']", ("酒店", "好,坏")),
        ("[]", ()),
        ("[酒店]", ("[酒店]",)),
        ("0|1", ("0", "1")),
        ("10|0|1", ("10", "0", "1")),
        ("", ()),
    ],
)
def test_cells_of_text_are_lists_or_split(tmp_path: Path, cell: str, found: tuple[str, ...]):
    assert labels_of(tmp_path, cell, ".tsv") == found


def test_the_separator_of_the_configuration_is_taken(tmp_path: Path):
    assert labels_of(tmp_path, "酒店,好|坏", ".tsv", label_separator=",") == ("酒店", "好|坏")


def test_a_single_label_is_never_split(tmp_path: Path):
    assert labels_of(tmp_path, "[1, 0, 1]", ".tsv", label_separator=None) == ("[1, 0, 1]",)

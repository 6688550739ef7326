import json

import numpy as np
import pytest

from kerasbert.data import Columns
from kerasbert.data.probabilities import read_probabilities
from kerasbert.errors import DataError


def read(tmp_path, *cells, columns=None):
    path = tmp_path / "soft.jsonl"
    lines = (cell if isinstance(cell, str) else json.dumps(cell) for cell in cells)
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(read_probabilities(str(path), columns or Columns(), ("a", "b", "c")))


def test_labels_left_out_have_none(tmp_path):
    ((row, vector),) = read(tmp_path, {"text": "好", "probabilities": {"c": 0.75, "a": 0.25}, "more": [1]})
    assert (row.text, row.line) == ("好", 1)
    assert vector.tolist() == [0.25, 0, 0.75]
    assert vector.dtype == np.float32


def test_rounded_probabilities_sum_up_to_one(tmp_path):
    ((_, vector),) = read(tmp_path, {"text": "x", "probabilities": {"a": 0.33, "b": 0.33, "c": 0.33}})
    assert vector.sum() == pytest.approx(1)


def test_several_labels_need_not(tmp_path):
    columns = Columns(label_separator="|")
    ((_, vector),) = read(tmp_path, {"text": "x", "probabilities": {"a": 0.9, "b": 0.9}}, columns=columns)
    assert vector.tolist() == pytest.approx([0.9, 0.9, 0])


def test_pairs_and_the_configured_name_of_the_text(tmp_path):
    columns = Columns(text="review", pair="answer")
    ((row, _),) = read(tmp_path, {"review": "x", "pair": "y", "probabilities": {"a": 1}}, columns=columns)
    assert (row.text, row.pair) == ("x", "y")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "x"}, "has no column 'probabilities'. It has: text"),
        ({"body": "x", "probabilities": {"a": 1}}, "has no column 'text'"),
        ({"text": "x", "probabilities": [1, 0]}, "must be an object"),
        ({"text": "x", "probabilities": {}}, "must be an object"),
        ({"text": "x", "probabilities": {"d": 1}}, "unknown label 'd'"),
        ({"text": "x", "probabilities": {"a": "1"}}, "must be a number from 0 to 1"),
        ({"text": "x", "probabilities": {"a": True}}, "must be a number from 0 to 1"),
        ('{"text": "x", "probabilities": {"a": NaN}}', "must be a number from 0 to 1"),
        ({"text": "x", "probabilities": {"a": 1.5, "b": -0.5}}, "must be a number from 0 to 1"),
        ({"text": "x", "probabilities": {"a": 0.5}}, "must sum up to 1. Received: 0.5"),
        ({"text": "x", "probabilities": {"a": 0}}, "must sum up to 1. Received: 0"),
    ],
)
def test_what_is_not_probabilities_is_refused(tmp_path, record, message):
    with pytest.raises(DataError) as error:
        read(tmp_path, record)
    assert str(error.value).startswith(f"{tmp_path}/soft.jsonl:1: ")
    assert message in str(error.value)

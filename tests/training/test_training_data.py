"""What a training says of its data before it begins, and what it refuses."""

import json
from pathlib import Path

import pytest

from kerasbert.errors import ConfigError, DataError
from kerasbert.training import prepare
from kerasbert.training.training_data import read_training_data


@pytest.fixture
def write(tmp_path: Path):
    def rows(counts: dict[str, int], name: str = "rows.jsonl", prefix: str = "") -> str:
        lines = [
            json.dumps({"text": f"{prefix}{place}号{i}条", "label": label})
            for place, (label, n) in enumerate(counts.items())
            for i in range(n)
        ]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return str(tmp_path / name)

    return rows


def warnings_of(config) -> list[str]:
    return [warning.rpartition("jsonl: ")[2] for warning in read_training_data(config).warnings]


def test_good_data_are_no_matter_for_words(tiny_config):
    assert prepare(tiny_config()).warnings == ()


def test_labels_that_validation_lacks_are_named(tiny_config, write):
    config = tiny_config(data={"train": write({"a": 40, "b": 40, "c": 1})})
    assert warnings_of(config)[-1] == "validation rows: no row has the label(s) c."
    data = {"train": write({"a": 40, "b": 40, "c": 2}), "folds": 5}
    folds = [warnings_of(tiny_config(data={**data, "fold": fold})) for fold in range(5)]
    assert sum("validation rows: no row has the label(s) c." in warnings for warnings in folds) == 3


def test_a_validation_side_that_grew_for_its_labels_is_said(tiny_config, write):
    config = tiny_config(data={"train": write({str(label): 2 for label in range(30)})})
    assert warnings_of(config) == [
        "validation rows: 50.0% of the rows rather than 10.0%, so that each label has one."
    ]
    config = tiny_config(data={"train": write({"a": 40, "b": 40}), "validation_fraction": 1e-6})
    assert len(read_training_data(config).validation) == 2


def test_validation_files_are_checked_too(tiny_config, write):
    train = write({"a": 40, "b": 40})
    config = tiny_config(data={"train": train, "validation": train})
    (warning,) = read_training_data(config).warnings
    assert warning.startswith(
        f"{train}: 80 of 80 row(s) are also in {train}: line 1, 2, 3, 4, 5 and 75 more."
    )
    other = write({"a": 5}, "other.jsonl", prefix="别的")
    config = tiny_config(data={"train": train, "validation": other})
    assert warnings_of(config) == ["all 5 rows have the label 'a', so scores on them mean little."]


def test_a_label_map_that_leaves_one_label_is_refused_by_its_name(tiny_config, write):
    config = tiny_config(data={"train": write({"a": 4, "b": 4}), "label_map": {"a": "x", "b": "x"}})
    with pytest.raises(ConfigError, match=r"data\.label_map: gives all labels one name, 'x'"):
        read_training_data(config)


def test_the_separator_is_for_tasks_with_several_labels(tiny_config, write):
    data = {"train": write({"酒店,好": 20, "书,好": 20, "书": 20}), "label_separator": ","}
    with pytest.raises(ConfigError, match=r"data\.label_separator: a row of classification has one label"):
        read_training_data(tiny_config(data=data))
    read = read_training_data(tiny_config(task="multi_label", data=data))
    assert read.task.labels == ("书", "好", "酒店")
    del data["label_separator"]
    assert "Try data.label_separator" in " ".join(warnings_of(tiny_config(task="multi_label", data=data)))


def test_given_labels_name_the_places_of_one_hot_lists(tiny_config, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": f"第{i}条", "label": [i % 2, 1, int(i % 3 == 0)]} for i in range(30)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    names = ["房间", "早餐", "服务"]
    config = tiny_config(task="multi_label", data={"train": str(path), "labels": names})
    read = read_training_data(config)
    assert {**read.train.label_counts, "早餐": 30}.keys() == set(names)
    with pytest.raises(DataError, match=r"rows\.jsonl:1: 'label' holds a one-hot list of 3"):
        read_training_data(tiny_config(task="multi_label", data={"train": str(path)}))

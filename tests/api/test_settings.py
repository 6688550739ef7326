"""What `kerasbert.train` makes of its arguments."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kerasbert
from kerasbert.api.settings import gather, split_section
from kerasbert.data.read_options import ReadOptions
from kerasbert.errors import ConfigError, PluginError, UserError

ROWS = [("很好", "正"), ("太差", "负")]


def config(given=None, rows=None, **settings):
    return gather(given, rows or {}, settings).config


@pytest.mark.parametrize(
    "settings",
    [
        {"training": {"epochs": 2, "seed": 3}},
        {"training.epochs": 2, "training.seed": 3},
        {"training": {"epochs": np.int64(2)}, "training.seed": 3},
    ],
)
def test_nested_and_dotted_keys_are_the_same(settings):
    parsed = config(**settings)
    assert (parsed.training.epochs, parsed.training.seed) == (2, 3)


def test_keywords_go_over_each_form_of_a_configuration(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("training: {epochs: 2, seed: 3}\nrun_dir: there\n")
    whole = kerasbert.load_config(path)
    for given in (path, str(path), whole, whole.model_dump(), {"training": {"epochs": 2, "seed": 3}}):
        parsed = config(given, run_dir=Path("here"), training={"seed": 4})
        assert (parsed.training.epochs, parsed.training.seed, parsed.run_dir) == (2, 4, "here")
    assert whole.training.seed == 3, "what is given stays as it is"


def test_the_defaults_of_the_task_hold(tmp_path):
    from_yaml = tmp_path / "config.yaml"
    from_yaml.write_text("task: spam\n")
    assert config(task="spam") == kerasbert.load_config(from_yaml)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trainin": {}}, "^kerasbert.train: trainin: unknown key. Did you mean training?"),
        ({"epochs": 3}, "epochs: unknown key. Did you mean training.epochs?"),
        ({"training": {"epoch": 3}}, "training.epoch: unknown key. Did you mean training.epochs?"),
        ({"training.epoch": 3}, "training.epoch: unknown key. Did you mean training.epochs?"),
        ({"training": {"epochs": "three"}}, "training.epochs: .* Received: 'three'"),
        ({"training": 3}, "training: .* Received: 3"),
        ({"data": {"txt_column": "a"}}, "data.txt_column: unknown key. Did you mean data.text_column?"),
    ],
)
def test_wrong_keys_are_refused_in_the_words_of_the_command_line(settings, message):
    with pytest.raises(ConfigError, match=message):
        config(**settings)


def test_an_unknown_task_is_refused_with_a_suggestion():
    with pytest.raises(PluginError, match="Did you mean sentiment"):
        config(task="sentimen")


@pytest.mark.parametrize("task", [None, 7, ["spam"]])
def test_a_task_is_a_name(task, tmp_path):
    with pytest.raises(ConfigError, match="task: should be a valid string"):
        config(task=task)
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({"task": task}))
    with pytest.raises(ConfigError, match="task: should be a valid string"):
        kerasbert.load_config(path)


@pytest.mark.parametrize("given", [7, ROWS, pd.DataFrame(ROWS)])
def test_what_is_no_configuration_is_refused(given):
    with pytest.raises(ConfigError, match=r"must be the path of a YAML file, a kerasbert\.Config or a dict"):
        config(given)


def test_rows_in_memory_are_named_by_the_files_they_will_be_in():
    given = gather(None, {"train": ROWS, "validation": iter(ROWS)}, {"run_dir": "runs/x"})
    assert given.config.data.train == ["runs/x/rows/train.jsonl"]
    assert given.config.data.validation == ["runs/x/rows/validation.jsonl"]
    assert {path: table.name for path, table in given.tables.items()} == {
        "runs/x/rows/train.jsonl": "data",
        "runs/x/rows/validation.jsonl": "validation",
    }


def test_paths_go_into_the_configuration_as_they_are():
    given = gather({"data": {"train": "a.csv"}}, {"train": [Path("b.csv"), "c.csv"]}, {})
    assert (given.config.data.train, given.tables) == (["b.csv", "c.csv"], {})


def test_a_dict_is_a_section_or_columns():
    assert split_section({"train": ROWS, "text_column": "a"}) == ({"text_column": "a"}, ROWS)
    assert split_section({"text_column": "a"}) == ({"text_column": "a"}, None)
    columns = {"text": ["a"], "label": ["b"]}
    assert split_section(columns) == ({}, columns)
    assert split_section(ROWS) == ({}, ROWS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "data.train: name at least one training file"),
        ({"data": {"train": ROWS, "validation": ROWS}, "validation": ROWS}, "validation: is given twice"),
        ({"data": ROWS, "validation": pd.Series(["a"])}, "^validation: must be a file, a data frame"),
        ({"data": ROWS, "validation": [("好", "中")]}, "^validation:1: unknown label '中'. Known: 正, 负"),
        ({"data": [("好", "正"), (None, "负")]}, "^data.train: must hold at least two labels"),
        ({"data": pd.DataFrame({"review": ["a"], "label": ["b"]})}, "Pass text_column='review'"),
        ({"data": ROWS, "data_train": "x"}, "data_train: unknown key"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_a_run_is_made(arguments, message, tmp_path):
    with pytest.raises(UserError, match=message):
        kerasbert.train(**arguments, run_dir=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["text_column", "label_column", "pair_column", "encoding"])
def test_names_of_columns_are_strings(name):
    with pytest.raises(UserError, match=f"^{name}: must be a string. Received: 0"):
        ReadOptions(**{name: 0})

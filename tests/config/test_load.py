from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from kerasbert.config import (
    Config,
    Section,
    apply_overrides,
    dump_yaml,
    merge,
    parse_config,
    read_yaml,
)
from kerasbert.errors import ConfigError


def problems(values: dict, model: type = Config) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse_config(model, values, where="c.yaml")
    return str(raised.value).split("\n")


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "wrong", "right"),
    [
        ({"training": {"learningrate": 1}}, "training.learningrate", "training.learning_rate"),
        ({"training": {"batchsize": 1}}, "training.batchsize", "training.batch_size"),
        ({"trainig": {"epochs": 1}}, "trainig", "training"),
        ({"data": {"text_colum": "x"}}, "data.text_colum", "data.text_column"),
        ({"backbone": {"layers": 2}}, "backbone.layers", "backbone.num_layers"),
        ({"run_directory": "x"}, "run_directory", "run_dir"),
        # The right name in the wrong section.
        ({"epochs": 3}, "epochs", "training.epochs"),
        ({"learning_rate": 1}, "learning_rate", "training.learning_rate"),
        ({"train": "x.csv"}, "train", "data.train"),
        ({"data": {"lowercase": True}}, "data.lowercase", "text.lowercase"),
        ({"training": {"pooling": "cls"}}, "training.pooling", "head.pooling"),
        ({"data": {"batch_size": 8}}, "data.batch_size", "training.batch_size"),
    ],
)
def test_an_unknown_key_names_the_nearest(values: dict, wrong: str, right: str):
    (line,) = problems(values)
    assert line.startswith(f"c.yaml: {wrong}: unknown key. Did you mean {right}?")
    assert "Received: " in line


def test_an_unknown_key_like_no_other_names_none():
    assert problems({"qqqq": 1}) == ["c.yaml: qqqq: unknown key. Received: 1"]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"training": {"epochs": "many"}}, "training.epochs"),
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"training": {"epochs": 1.5}}, "training.epochs"),
        ({"training": {"learning_rate": -1}}, "training.learning_rate"),
        ({"training": {"schedule": "steps"}}, "training.schedule"),
        ({"training": {"clip_norm": 0}}, "training.clip_norm"),
        ({"training": {"warmup_fraction": 1}}, "training.warmup_fraction"),
        ({"training": {"class_weights": 3}}, "training.class_weights"),
        ({"training": {"class_weights": "balance"}}, "training.class_weights"),
        ({"training": {"class_weights": {"a": "much"}}}, "training.class_weights"),
        ({"training": 3}, "training"),
        ({"training": None}, "training"),
        ({"data": {"train": 3}}, "data.train"),
        ({"data": {"train": ["a", 4]}}, "data.train"),
        ({"data": {"validation_fraction": 1}}, "data.validation_fraction"),
        ({"data": {"labels": "a"}}, "data.labels"),
        ({"data": {"label_map": ["a"]}}, "data.label_map"),
        ({"text": {"lowercase": "perhaps"}}, "text.lowercase"),
        ({"backbone": {"num_layers": 0}}, "backbone.num_layers"),
        ({"head": {"pooling": "sum"}}, "head.pooling"),
        ({"task": None}, "task"),
        ({"task_options": ["x"]}, "task_options"),
    ],
)
def test_a_wrong_value_gives_one_line_with_the_key_and_the_value(values: dict, key: str):
    lines = problems(values)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"c.yaml: {key}: ")
    assert "Received: " in lines[0]


def test_each_wrong_key_has_its_own_line():
    lines = problems({"epochs": 3, "training": {"epochs": "x", "seed": -1}, "head": {"pool": "cls"}})
    assert sorted(line.split(": ")[1] for line in lines) == [
        "epochs",
        "head.pool",
        "training.epochs",
        "training.seed",
    ]


def test_sizes_that_do_not_fit_together_are_named():
    (line,) = problems({"backbone": {"hidden_dim": 10, "num_heads": 3}})
    assert line.startswith("c.yaml: backbone.hidden_dim: must be a multiple of backbone.num_heads.")
    assert "10 and 3" in line


def test_a_key_that_is_no_string_is_an_error_in_one_line():
    (line,) = problems({1: "x"})
    assert line.startswith("c.yaml: 1: ")


class Options(Section):
    threshold: float = Field(0.5, gt=0, lt=1)


def test_a_tasks_own_options_are_explained_in_the_same_way():
    (line,) = problems({"treshold": 0.4}, Options)
    assert line.startswith("c.yaml: treshold: unknown key. Did you mean threshold?")
    assert line.endswith("Received: 0.4")
    (line,) = problems({"threshold": 2}, Options)
    assert line.startswith("c.yaml: threshold: should be less than 1. Received: 2")


# --- files --------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def load(path: Path) -> Config:
    return parse_config(Config, read_yaml(path), where=str(path))


def test_a_file_and_overrides_give_a_config(file):
    path = file("task: spam\ndata: {train: a.csv}\ntraining: {epochs: 2, learning_rate: 3e-5}\n")
    overrides = ["training.epochs=5", "data.labels=[ham, spam]", "text.vocabulary="]
    config = parse_config(Config, apply_overrides(read_yaml(path), overrides), where=str(path))
    assert (config.task, config.data.train, config.training.epochs) == ("spam", ["a.csv"], 5)
    assert config.training.learning_rate == 3e-5
    assert config.data.labels == ["ham", "spam"]
    assert config.text.vocabulary is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1", "is not YAML"),
        ("a: 'x", "is not YAML"),
        ("\ta: 1", "is not YAML"),
        ("a: \x01", "is not YAML"),
        ("a: 2024-13-45", "is not YAML"),
        (b"a: \xff\xfe", "is not UTF-8 (line 1: "),
        (
            "标签: 好".encode("gb18030"),
            "is not UTF-8. It reads as gb18030. Convert it: iconv -f gb18030 -t utf-8.",
        ),
        ("- a\n- b\n", "must be a mapping of keys. Received: list"),
        ("words", "must be a mapping of keys. Received: str"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(content: str | bytes, message: str, file):
    with pytest.raises(ConfigError) as raised:
        read_yaml(file(content))
    assert "config.yaml: " in str(raised.value)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_directory_are_named(tmp_path: Path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError, match=f"{path.name}: cannot be read"):
            read_yaml(path)


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "{}"])
def test_an_empty_file_gives_the_defaults(content: str, file):
    assert load(file(content)) == Config()


def test_a_byte_order_mark_is_no_part_of_the_first_key(file):
    assert load(file("\ufefftask: spam\n")).task == "spam"


# --- overrides ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("override", ["", "a", "=1", "training.epochs"])
def test_an_override_without_key_or_equals_is_refused(override: str):
    with pytest.raises(ConfigError, match="--set must be KEY=VALUE"):
        apply_overrides({}, [override])


@pytest.mark.parametrize("value", ["[1", "{a", "'x", "a: b: c", "2024-13-45"])
def test_an_override_that_is_not_yaml_is_named(value: str):
    with pytest.raises(ConfigError, match="--set x: the value is not YAML"):
        apply_overrides({}, [f"x={value}"])


def test_overrides_set_nested_keys_in_turn():
    values = {"a": {"b": 1, "c": 2}, "d": 3}
    assert apply_overrides(values, ["a.b=5", "a.e.f=[x, y]", "d=a=b", "a.b=6"]) == {
        "a": {"b": 6, "c": 2, "e": {"f": ["x", "y"]}},
        "d": "a=b",
    }
    assert values == {"a": {"b": 1, "c": 2}, "d": 3}


def test_an_override_with_an_unknown_key_names_the_nearest():
    with pytest.raises(ConfigError, match=r"training\.epoch: unknown key\. Did you mean training\.epochs"):
        parse_config(Config, apply_overrides({}, ["training.epoch=3"]), where="--set")


# --- merge --------------------------------------------------------------------------------------------

KEYS = st.sampled_from("abc")
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        st.integers(0, 5) | st.none() | st.lists(st.integers(0, 3)), lambda s: st.dictionaries(KEYS, s)
    ),
)


def leaves(tree: dict, prefix: tuple = ()) -> dict:
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, (*prefix, key))
        else:
            found[(*prefix, key)] = value
    return found


@settings(deadline=None)
@given(tree=TREES)
def test_merging_with_nothing_changes_nothing(tree: dict):
    assert merge(tree, {}) == tree
    assert merge({}, tree) == tree
    assert merge(tree, tree) == tree


@settings(deadline=None)
@given(base=TREES, over=TREES)
def test_the_later_value_wins_and_the_others_stay(base: dict, over: dict):
    before = (str(base), str(over))
    merged = leaves(merge(base, over))
    for path, value in leaves(over).items():
        if value != {}:
            assert merged[path] == value
    for path, value in leaves(base).items():
        touched = any(path[: len(p)] == p or p[: len(path)] == path for p in leaves(over))
        assert touched or merged[path] == value
    assert (str(base), str(over)) == before


def test_sections_are_merged_at_any_depth():
    base = {"a": {"b": {"c": {"x": 1, "y": 1}, "z": 1}}, "k": {"l": 1}}
    over = {"a": {"b": {"c": {"y": 2}}}, "k": 3}
    assert merge(base, over) == {"a": {"b": {"c": {"x": 1, "y": 2}, "z": 1}}, "k": 3}


@settings(deadline=None)
@given(a=TREES, b=TREES)
def test_merging_twice_is_merging_once(a: dict, b: dict):
    assert merge(merge(a, b), b) == merge(a, b)


# --- YAML ---------------------------------------------------------------------------------------------

# Three rare line ends have a test of their own.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029")
WORDS = st.text(CHARACTERS, max_size=8) | st.sampled_from(
    [
        "no",
        "1",
        "1.5",
        "null",
        "~",
        "2024-01-01",
        "0x1f",
        "1_000",
        " a ",
        "a: b",
        "#",
        "'",
        "是\n否",
        "😀",
        "12:30",
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    label_map=st.dictionaries(WORDS, WORDS, max_size=3),
    labels=st.lists(WORDS, max_size=3),
    rate=st.floats(1e-12, 1e3),
    weights=st.none() | st.just("balanced") | st.dictionaries(WORDS, st.floats(0, 10), max_size=3),
    separator=WORDS,
)
def test_a_config_survives_yaml(label_map, labels, rate, weights, separator):
    config = Config(
        task_options={"separator": separator},
        data={"train": ["数据/a b.csv"], "label_map": label_map, "labels": labels},
        training={"learning_rate": rate, "class_weights": weights},
    )
    text = dump_yaml(config.model_dump())
    assert parse_config(Config, yaml.safe_load(text), where="dumped") == config


@pytest.mark.parametrize("end", ["\u2028", "\u2029"])
def test_a_dump_keeps_rare_line_ends(end: str):
    values = {"labels": [f"a{end}b", end], "after": 1}
    assert yaml.safe_load(dump_yaml(values)) == values


def test_a_dump_keeps_the_order_and_the_characters():
    assert dump_yaml({"b": "好", "a": 1}) == "b: 好\na: 1\n"


def test_a_dumped_file_loads_as_it_was(tmp_path: Path):
    config = Config(data={"train": "a.csv", "label_map": {1: "好", 0: "坏"}}, training={"clip_norm": None})
    path = tmp_path / "config.yaml"
    path.write_text(dump_yaml(config.model_dump()), encoding="utf-8")
    assert load(path) == config


def test_a_section_that_does_not_hang_together_is_named_once():
    with pytest.raises(ConfigError) as caught:
        parse_config(Config, {"training": {"batch_tokens": 16, "max_length": 64}}, where="c.yaml")
    message = "c.yaml: training.batch_tokens: must be at least 64, max_length. Received: 16"
    assert str(caught.value) == message


@pytest.mark.process
def test_what_is_nested_too_deeply_is_refused(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text(f"a: {'[' * 5000}{']' * 5000}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_yaml(path)
    with pytest.raises(ConfigError, match="--set a: the value is not YAML"):
        apply_overrides({}, ["a=" + "[" * 5000])

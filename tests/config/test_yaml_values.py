import pytest
import yaml

from kerasbert.config import Config, parse_config
from kerasbert.config.yaml_values import load_yaml
from kerasbert.errors import ConfigError


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_config(Config, load_yaml(text), where="a.yaml")
    return str(raised.value)


@pytest.mark.parametrize(
    ("spelling", "value"), [("01", 1), ("010", 8), ("0x1F", 31), ("1_000", 1000), ("1:30", 90)]
)
def test_a_label_that_yaml_would_change_wants_quotes(spelling: str, value: int):
    for text in (
        f"data: {{label_map: {{{spelling}: x}}}}",
        f"data: {{label_map: {{x: {spelling}}}}}",
        f"data: {{labels: [x, {spelling}]}}",
        f"training: {{class_weights: {{{spelling}: 2}}}}",
    ):
        assert f"put quotes around it: YAML reads {spelling} as {value}" in error_of(text)


def test_numbers_are_numbers_however_they_are_written():
    config = parse_config(Config, load_yaml("training: {batch_size: 0x10, max_length: 1_28}"), where="a.yaml")
    assert (config.training.batch_size, config.training.max_length) == (16, 128)
    assert yaml.safe_load(yaml.safe_dump(load_yaml("a: [01, 10]"))) == {"a": [1, 10]}
    assert parse_config(Config, load_yaml("data: {labels: [0, 1, 10]}"), where="").data.labels == [
        "0",
        "1",
        "10",
    ]


@pytest.mark.parametrize("text", ["data: {label_map: {好:正面}}", "data: {label_map: {好：正面, 坏：负面}}"])
def test_a_colon_wants_a_space(text: str):
    assert "data.label_map: write a colon and a space, 好: 正面; YAML reads" in error_of(text)


def test_a_colon_wants_a_space_in_weights_too():
    assert "write a colon and a space, 好: 2" in error_of("training: {class_weights: {好:2}}")


@pytest.mark.parametrize(
    "text", ["a: {1: x, 1: y}", "a: {1: x, 01: y}", "a: 1\nb: 2\na: 3", "a: {好: 1, 好: 2}"]
)
def test_a_key_that_occurs_twice_is_refused(text: str):
    with pytest.raises(yaml.YAMLError, match="occurs twice"):
        load_yaml(text)


def test_equal_keys_are_named_as_they_are_written():
    with pytest.raises(yaml.YAMLError, match="occurs twice, as 01 and yes; put quotes around both"):
        load_yaml("label_map: {01: a, yes: b}")


def test_keys_may_be_merged():
    assert load_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}") == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
    }


@pytest.mark.parametrize("key", ["training: {epochs", "training: {learning_rate", "backbone: {num_layers"])
def test_yes_is_no_number(key: str):
    assert "should be a number; YAML reads yes, no, on and off as true and false" in error_of(f"{key}: yes}}")


@pytest.mark.parametrize(("spelling", "value"), [("1:30", 90), ("010", 8)])
def test_a_number_that_yaml_reads_otherwise_than_people_is_refused(spelling: str, value: int):
    message = f"training.epochs: should be a number; YAML reads {spelling} as {value}"
    assert message in error_of(f"training: {{epochs: {spelling}}}")


@pytest.mark.parametrize("value", ['""', '[a.csv, ""]'])
def test_an_empty_path_is_refused(value: str):
    assert "data.train: should name a file, or several" in error_of(f"data: {{train: {value}}}")


def test_infinite_numbers_are_refused():
    assert "learning_rate: should be a finite number" in error_of("training: {learning_rate: .inf}")


@pytest.mark.parametrize("key", ["extra", "data: {labels", "data: {label_map", "data: {train"])
def test_aliases_that_multiply_are_refused_in_a_short_line(key: str):
    bomb = "[x, x, x, x, x, x, x, x]"
    anchors = []
    for name in "abcdefghij":
        anchors.append(f"&{name} {bomb}")
        bomb = f"[{', '.join([f'*{name}'] * 8)}]"
    value = bomb if "map" not in key else f"{{x: {bomb}}}"
    text = f"{key}: {value}{'}' if '{' in key else ''}\nanchors: 1\n"
    values = load_yaml(f"first: [{', '.join(anchors)}]\n{text}")
    del values["first"]
    with pytest.raises(ConfigError) as raised:
        parse_config(Config, values, where="a.yaml")
    assert max(map(len, str(raised.value).splitlines())) < 800

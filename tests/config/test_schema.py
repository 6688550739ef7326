from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from kerasbert.config import Config, DataConfig, PretrainingConfig, merge, parse_config, read_yaml
from kerasbert.errors import ConfigError


def load(path: Path) -> Config:
    return parse_config(Config, read_yaml(path), where=path.name)


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


@pytest.mark.parametrize(("key", "field"), list(fields(Config)), ids=[key for key, _ in fields(Config)])
def test_every_key_has_a_description_and_a_default(key: str, field: FieldInfo):
    assert field.description, key
    assert field.description.endswith("."), key
    assert not field.is_required(), key


def test_the_keys_that_scripts_set_are_there():
    keys = {key for key, _ in fields(Config)}
    training = [
        "epochs",
        "batch_size",
        "learning_rate",
        "max_length",
        "seed",
        "strategy",
        "precision",
        "deterministic",
    ]
    sizes = ["source", "num_layers", "hidden_dim", "num_heads", "intermediate_dim"]
    columns = ["train", "validation", "text_column", "label_column"]
    assert keys >= {
        "task",
        *(f"training.{key}" for key in training),
        *(f"backbone.{key}" for key in sizes),
        *(f"data.{key}" for key in columns),
    }


def test_configs_do_not_share_their_sections():
    first, second = Config(), Config()
    first.training.epochs = 99
    first.data.train.append("x")
    first.task_options["x"] = 1
    assert second == Config()


def test_one_path_may_stand_without_a_list():
    assert DataConfig(train="a.csv", validation=["b.csv"]).train == ["a.csv"]


def test_labels_that_yaml_reads_as_numbers_are_strings():
    config = DataConfig(label_map={1: "positive", 0: 5}, labels=[1, 0])
    assert config.label_map == {"1": "positive", "0": "5"}
    assert config.labels == ["1", "0"]


def test_assignments_are_checked_too():
    config = Config()
    with pytest.raises(ValidationError):
        config.training.epochs = 0
    with pytest.raises(ValidationError):
        config.training.epoch = 3


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[2].glob("configs/train/**/*.yaml")), ids=lambda p: p.name
)
def test_the_ready_recipes_are_valid(path: Path):
    load(path)


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[2].glob("configs/pretrain/*.yaml")), ids=lambda p: p.name
)
def test_the_ready_pretraining_recipes_are_valid(path: Path):
    parse_config(PretrainingConfig, read_yaml(path), where=str(path))


def test_class_weights_take_numbers_as_labels(tmp_path: Path):
    """`0: 1.0` is what one writes for the label "0"; YAML reads an integer."""
    path = tmp_path / "c.yaml"
    path.write_text("training: {class_weights: {0: 1.0, 1: 3.0}}\n", encoding="utf-8")
    assert load(path).training.class_weights == {"0": 1.0, "1": 3.0}


@pytest.mark.parametrize("content", ["labels: [yes, no]", "label_map: {yes: a, no: b}", "labels: [null, a]"])
def test_labels_that_yaml_turns_into_something_else_are_refused(content: str, tmp_path: Path):
    """YAML reads yes as true: a label "True" is in no file. Better an error than no match."""
    path = tmp_path / "c.yaml"
    path.write_text(f"data:\n  {content}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"data\.label"):
        load(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": {"pair_column": "b"}}, "text.windows: must be 1 with data.pair_column"),
        (
            {"augmentation": {"copies": 1, "methods": ["masked_lm"]}},
            "text.windows: must be 1 with augmentation",
        ),
        ({"training": {"jit_compile": True}}, "text.windows: must be 1 with training.jit_compile"),
        ({"training": {"batch_tokens": 511}}, "training.batch_tokens: must be at least 512, text.windows"),
        ({"text": {"windows": 0}}, "text.windows"),
        ({"text": {"windows": 1025}}, "text.windows"),
    ],
)
def test_what_does_not_go_with_windows_is_refused(values: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        parse_config(Config, merge({"text": {"windows": 4}}, values), where="test")


def test_windows_are_of_max_length():
    windows = {"text": {"windows": 4}, "training": {"batch_tokens": 512}}
    assert parse_config(Config, windows, where="test").window_length == 128
    assert Config().window_length is None

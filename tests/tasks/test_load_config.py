from pathlib import Path

import pytest

from kerasbert.errors import ConfigError, PluginError
from kerasbert.tasks import Classification, load_config


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    defaults = {"training": {"epochs": 7, "batch_size": 5, "seed": 3}, "head": {"pooling": "max"}}
    monkeypatch.setattr(Classification, "defaults", defaults)
    path = tmp_path / "config.yaml"
    path.write_text("training: {epochs: 8, batch_size: 6}\n", encoding="utf-8")
    return path


def test_overrides_go_over_the_file_over_the_task_over_the_schema(file: Path):
    config = load_config(file, ["training.epochs=9"])
    training = config.training
    assert (training.epochs, training.batch_size, training.seed) == (9, 6, 3)
    assert config.head.pooling == "max"
    assert training.schedule == "linear"


def test_the_task_itself_can_be_overridden(file: Path):
    config = load_config(file, ["task=multi_label"])
    assert config.task == "multi_label"
    assert config.training.seed == 0  # the defaults are those of that task


def test_an_unknown_task_is_refused(file: Path):
    with pytest.raises(PluginError, match="'no_such_task'"):
        load_config(file, ["task=no_such_task"])


def test_a_wrong_key_is_named_with_its_file(file: Path):
    with pytest.raises(ConfigError, match=r"config\.yaml: training\.epoch: unknown key.*training\.epochs"):
        load_config(file, ["training.epoch=9"])

"""`hf://` and `modelscope://` as `backbone.source`."""

from pathlib import Path

import numpy as np
import pytest

from kerasbert.checkpoints import (
    RunDirectory,
    describe_source,
    import_checkpoint,
    open_source,
    resolve_backbone,
)
from kerasbert.config import BackboneConfig
from kerasbert.errors import CheckpointError, ConfigError
from kerasbert.tasks import load_config
from kerasbert.training import train

from ..hub_server import FakeHub, Repository, commit_id

NAME = "owner/tiny-bert"
FROM_SOURCE = dict.fromkeys(("num_layers", "hidden_dim", "num_heads", "intermediate_dim"))


@pytest.fixture
def repository(hugging_face, tensors) -> Repository:
    repository = Repository()
    repository.commit(hugging_face(tensors), "first", "main", "master")
    return repository


@pytest.fixture
def hub(hubs, repository) -> FakeHub:
    return hubs({NAME: repository})


@pytest.mark.parametrize("scheme", ["hf", "modelscope"])
def test_an_address_gives_what_its_folder_gives(hub, hugging_face, tensors, scheme: str):
    folder = open_source(str(hugging_face(tensors)))
    source = open_source(f"{scheme}://{NAME}")
    assert source.config.source == f"{scheme}://{NAME}@{commit_id('first')}"
    assert source.config.activation == "gelu"
    assert source.vocabulary.tokens == folder.vocabulary.tokens
    assert source.weights.keys() == folder.weights.keys()
    for path, weight in folder.weights.items():
        np.testing.assert_array_equal(source.weights[path], weight)


def test_a_configuration_keeps_the_commit(hub):
    _, complete = resolve_backbone(BackboneConfig(source=f"hf://{NAME}", dropout=0.2), 16)
    assert complete.source == f"hf://{NAME}@{commit_id('first')}"
    assert complete.dropout == 0.2
    hub.requests.clear()
    assert resolve_backbone(complete, 16)[1] == complete
    assert hub.requests == []


def test_the_commands_for_checkpoints_take_addresses(hub, tmp_path: Path):
    found = describe_source(f"hf://{NAME}")
    assert found["source"] == f"hf://{NAME}@{commit_id('first')}"
    import_checkpoint(f"hf://{NAME}@main", tmp_path / "out", positions=10)
    assert open_source(str(tmp_path / "out")).config.max_positions == 10


@pytest.mark.slow
@pytest.mark.process
def test_a_run_names_the_commit_and_resumes_with_no_other(
    hub, repository, hugging_face, tensors, tiny_config
):
    def crash(epoch: int, metrics: dict[str, float]) -> None:
        raise RuntimeError("out of memory")

    config = tiny_config(backbone={"source": f"hf://{NAME}", **FROM_SOURCE})
    with pytest.raises(RuntimeError):
        train(config, on_epoch=crash)
    pinned = f"hf://{NAME}@{commit_id('first')}"
    run = RunDirectory(config.run_dir)
    assert run.load_config().backbone.source == pinned

    other = {name: tensor + 1 for name, tensor in tensors.items()}
    repository.commit(hugging_face(other), "second", "main")
    with pytest.raises(ConfigError, match=r"^backbone\.source: differs .* Resume with its own config\.yaml"):
        train(config, resume=True)
    result = train(load_config(str(run.config)), resume=True)
    assert result.run.load_config().backbone.source == pinned
    assert pinned in (run.path / "MODEL_CARD.md").read_text(encoding="utf-8").replace("\\", "")


def test_an_unreadable_file_names_the_address(hub, repository, hugging_face, tensors):
    folder = hugging_face(tensors, hidden_act="relu")
    repository.commit(folder, "odd", "main")
    with pytest.raises(CheckpointError, match=rf"^hf://{NAME}@{commit_id('odd')}: .*hidden_act"):
        open_source(f"hf://{NAME}")


def test_a_training_names_the_key(tiny_config, hub):
    with pytest.raises(CheckpointError, match=r"^backbone\.source: hf://owner/other: "):
        resolve_backbone(BackboneConfig(source="hf://owner/other"), 16)
    with pytest.raises(
        ConfigError, match=r"backbone\.num_layers: can be set with backbone\.source: scratch only"
    ):
        resolve_backbone(BackboneConfig(source=f"hf://{NAME}", num_layers=3), 16)


def test_an_owner_and_a_name_alone_get_a_hint():
    with pytest.raises(CheckpointError, match=r"Of the Hugging Face Hub: hf://google-bert/bert-base-chinese"):
        open_source("google-bert/bert-base-chinese")

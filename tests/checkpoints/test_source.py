import shutil
from pathlib import Path

import keras_nlp
import numpy as np
import pytest

from kerasbert.checkpoints import open_source, resolve_backbone
from kerasbert.config import BackboneConfig
from kerasbert.engine.loop import Loop
from kerasbert.errors import CheckpointError, ConfigError, UserError
from kerasbert.models import build_backbone
from kerasbert.text import SPECIAL_TOKENS
from kerasbert.training import TrainResult, prepare, train

TOKENS = [*SPECIAL_TOKENS, *"手机酒店早餐衣服很好太差喜欢"]
SIZES = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 24}
FROM_SOURCE = dict.fromkeys(SIZES)


def write_preset(directory: Path, tokens: list[str] = TOKENS, rows: int = len(TOKENS), **options) -> Path:
    backbone = keras_nlp.models.BertBackbone(vocabulary_size=rows, max_sequence_length=20, **SIZES)
    backbone.save_to_preset(str(directory))
    keras_nlp.models.BertTokenizer(vocabulary=tokens, **options).save_to_preset(str(directory))
    return directory


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_preset(tmp_path_factory.mktemp("preset") / "bert", lowercase=False)


def equal(one, two) -> bool:
    return all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(one.weights, two.weights, strict=True))


def test_a_preset_brings_weights_vocabulary_and_case(preset: Path):
    source = open_source(str(preset))
    assert equal(source.backbone, keras_nlp.models.BertBackbone.from_preset(str(preset)))
    assert source.vocabulary.tokens == tuple(TOKENS)
    assert source.text["lowercase"] is False
    assert {name: getattr(source.config, name) for name in SIZES} == SIZES
    assert (source.config.max_positions, source.config.activation) == (20, "gelu_tanh")


def test_weights_are_copied_into_a_backbone_of_the_same_sizes(preset: Path):
    source = open_source(str(preset))
    backbone = build_backbone(source.config, len(source.vocabulary))
    assert not equal(backbone, source.backbone)
    source.copy_to(backbone)
    assert equal(backbone, source.backbone)


def test_a_training_takes_its_sizes_and_case_from_the_preset(preset: Path, tiny_config):
    prepared = prepare(tiny_config(backbone={"source": str(preset), **FROM_SOURCE}))
    backbone = prepared.config.backbone
    assert {name: getattr(backbone, name) for name in SIZES} == SIZES
    assert backbone.max_positions == 20
    assert prepared.config.text.lowercase is False
    assert prepared.vocabulary.tokens == tuple(TOKENS)


def test_a_run_brings_its_weights_vocabulary_and_case(trained: TrainResult):
    source = open_source(str(trained.run.path))
    assert equal(source.backbone, trained.classifier.model.encoder)
    assert source.vocabulary.tokens == trained.prepared.vocabulary.tokens
    assert source.text == {"lowercase": True, "ascii_punctuation": False}


@pytest.mark.process
def test_a_second_training_starts_from_the_weights_of_the_first(
    trained: TrainResult, tiny_config, monkeypatch
):
    def stop(self, *arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Loop, "_train", stop)
    source = {"source": str(trained.run.path), **FROM_SOURCE}
    second = train(tiny_config(backbone=source, training={"seed": 5, "max_length": 12}))
    assert second.interrupted
    first = trained.classifier.model
    assert equal(second.classifier.model.encoder, first.encoder)
    assert not equal(second.classifier.model.head.get_layer("logits"), first.head.get_layer("logits"))
    assert second.prepared.vocabulary.tokens == trained.prepared.vocabulary.tokens


@pytest.mark.parametrize("source", ["no/such/place", "bert_nonsense_en", "kaggle", ""])
def test_nonsense_is_refused(source: str):
    with pytest.raises(CheckpointError, match=r"cannot be loaded as a BERT preset|no checkpoint that"):
        open_source(source)


def test_a_training_names_the_key(tiny_config):
    with pytest.raises(CheckpointError, match=r"^backbone\.source: 'no/such/place' cannot be loaded"):
        prepare(tiny_config(backbone={"source": "no/such/place", **FROM_SOURCE}))


def test_a_directory_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(CheckpointError, match="is no checkpoint that kerasbert knows"):
        open_source(str(tmp_path))


def test_an_unfinished_run_is_refused(trained: TrainResult, tmp_path: Path):
    copy = shutil.copytree(trained.run.path, tmp_path / "copy")
    (copy / "metrics.json").unlink()
    with pytest.raises(CheckpointError, match="did not finish"):
        open_source(str(copy))


def test_a_preset_of_another_architecture_is_refused(tmp_path: Path):
    other = keras_nlp.models.DistilBertBackbone(vocabulary_size=20, max_sequence_length=20, **SIZES)
    other.save_to_preset(str(tmp_path))
    with pytest.raises(CheckpointError, match="cannot be loaded as a BERT preset"):
        open_source(str(tmp_path))


@pytest.mark.parametrize("damage", ["model.weights.h5", "assets/tokenizer/vocabulary.txt", "config.json"])
def test_a_damaged_preset_is_refused(preset: Path, tmp_path: Path, damage: str):
    copy = shutil.copytree(preset, tmp_path / "copy")
    (copy / damage).write_bytes((copy / damage).read_bytes()[:7])
    with pytest.raises(UserError, match=r"cannot be |vocabulary"):
        open_source(str(copy))


@pytest.mark.parametrize("rows", [len(TOKENS) - 3, len(TOKENS) + 3])
def test_a_preset_whose_vocabulary_does_not_fit_its_weights_is_refused(tmp_path: Path, rows: int):
    directory = write_preset(tmp_path / "preset", rows=rows)
    with pytest.raises(UserError, match="vocabulary"):
        open_source(str(directory))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_layers", 1),
        ("hidden_dim", 32),
        ("num_heads", 4),
        ("intermediate_dim", 16),
        ("max_positions", 16),
        ("activation", "gelu"),
    ],
)
def test_sizes_are_refused_beside_a_source(preset: Path, tiny_config, key: str, value):
    config = tiny_config(backbone={"source": str(preset), **FROM_SOURCE, key: value})
    with pytest.raises(ConfigError, match=rf"backbone\.{key}: can be set with .*scratch only"):
        prepare(config)


def test_a_vocabulary_is_refused_beside_a_source(preset: Path, tiny_config):
    config = tiny_config(backbone={"source": str(preset), **FROM_SOURCE}, text={"vocabulary": "vocab.txt"})
    with pytest.raises(ConfigError, match=r"text\.vocabulary: can be set with"):
        prepare(config)


def test_texts_longer_than_the_positions_of_the_source_are_refused(preset: Path, tiny_config):
    config = tiny_config(backbone={"source": str(preset), **FROM_SOURCE}, training={"max_length": 21})
    with pytest.raises(ConfigError, match=r"training\.max_length: must be at most 20"):
        prepare(config)


def test_a_source_with_its_own_sizes_is_fine_and_with_others_not(trained: TrainResult):
    """As when a run is resumed with its own, complete configuration."""
    source, complete = resolve_backbone(BackboneConfig(source=str(trained.run.path), dropout=0.3), 16)
    assert complete.dropout == 0.3
    again, same = resolve_backbone(complete, 16)
    assert same == complete
    assert again.vocabulary.tokens == source.vocabulary.tokens
    other = complete.model_copy(update={"num_layers": 7, "hidden_dim": 64})
    with pytest.raises(ConfigError, match=r"backbone\.num_layers, backbone\.hidden_dim: can be set with"):
        resolve_backbone(other, 16)

"""Fixtures that need TensorFlow: models, and what they are made of. conftest.py registers them."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from kerasbert.config import Config, merge, parse_config
from kerasbert.export import export_model
from kerasbert.tasks import Classification
from kerasbert.text import (
    SPECIAL_TOKENS,
    SentencePieceVocabulary,
    Vocabulary,
    WordPieceVocabulary,
    learn_sentencepiece,
)
from kerasbert.training import TrainResult, prepare, train

from .support import mirrored_strategy

TINY = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "head": {"pooling": "mean"},
    "training": {"epochs": 2, "batch_size": 8, "max_length": 16, "learning_rate": 3e-3},
}


@pytest.fixture(scope="session", autouse=True)
def _two_cpus() -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture
def mirrored() -> tf.distribute.Strategy:
    return mirrored_strategy()


@pytest.fixture
def tiny_config(reviews_file: Path, tmp_path: Path):
    """Returns a function that makes a tiny configuration, with nested overrides."""

    def make(**overrides) -> Config:
        data = {"data": {"train": str(reviews_file)}, "run_dir": str(tmp_path / "run")}
        return parse_config(Config, merge(merge(TINY, data), overrides), where="test")

    return make


@pytest.fixture(scope="session")
def trained(reviews_file: Path, shared) -> TrainResult:
    """A finished run on the reviews. Do not change its files: copy them."""

    def make(directory: Path) -> dict[str, Any]:
        values = {"data": {"train": str(reviews_file)}, "run_dir": str(directory / "run")}
        result = train(prepare(parse_config(Config, merge(TINY, values), where="test")))
        return {name: value for name, value in vars(result).items() if name != "classifier"}

    fields = shared("trained", make)
    return TrainResult(classifier=fields["run"].load(), **fields)


@pytest.fixture(scope="session")
def exported(trained: TrainResult, shared) -> Path:
    """A version directory of the trained run, with the signature `embed`. Do not change it: copy it."""

    def make(directory: Path) -> Path:
        return export_model(trained.run.path, directory / "model", signatures=["embed"]).path

    return shared("exported", make)


@pytest.fixture
def vocabulary() -> Vocabulary:
    """The special tokens and a few characters."""
    return WordPieceVocabulary([*SPECIAL_TOKENS, *"今天气很好坏的不了手机酒店", "play", "##ing", "a", "##b"])


@pytest.fixture(scope="session")
def unigram(shared) -> SentencePieceVocabulary:
    """A SentencePiece model of a few words."""
    words = ["今天", "天气", "手机", "酒店", "很好", "不错", "太差", "play", "playing", "game", "iPhone"]
    texts = [f"{a}{b}，{a} {b}。" for a in words for b in words]
    return SentencePieceVocabulary(
        shared("unigram", lambda directory: learn_sentencepiece(lambda: texts, 80, 1).content)
    )


@pytest.fixture
def task() -> Classification:
    """A task with three labels."""
    return Classification(["a", "b", "c"])

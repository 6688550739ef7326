"""Exports of four small models. What a test changes it copies first."""

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config, merge, parse_config
from kerasbert.export import export_model
from kerasbert.models import TextClassifier, complete_backbone_config
from kerasbert.tasks import get_task
from kerasbert.text import SPECIAL_TOKENS, SentencePieceVocabulary, Vocabulary, WordPieceVocabulary
from kerasbert.training import TrainResult

SMALL = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "training": {"max_length": 24},
}
CHARACTERS = "手机酒店早餐衣服好快贵无0123456789"


@dataclass(frozen=True)
class Exported:
    classifier: TextClassifier  # what was exported
    path: Path


def export_moved(run: Path, directory: Path, **settings) -> Path:
    """Exports a copy of the run, then deletes the copy and moves the model."""
    copy = shutil.copytree(run, directory / "copy")
    published = export_model(copy, directory / "first", **settings)
    shutil.rmtree(copy)
    path = directory / "moved" / "away"
    path.parent.mkdir()
    return published.path.rename(path)


def export_untrained(
    labels: list[str],
    directory: Path,
    signatures: Sequence[str] = (),
    vocabulary: Vocabulary | None = None,
    **values,
) -> tuple[RunDirectory, Path]:
    """Exports random weights, with a head that tells texts apart."""
    config = parse_config(Config, merge(SMALL, {"run_dir": "untrained", **values}), where="test")
    config.backbone = complete_backbone_config(config.backbone, config.training.max_length)
    task = get_task(config.task)(labels)
    config.task_options = task.options.model_dump()
    vocabulary = vocabulary or WordPieceVocabulary([*SPECIAL_TOKENS, *CHARACTERS])
    keras.utils.set_random_seed(0)
    classifier = TextClassifier(config, task, vocabulary)
    kernel = classifier.model.head.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    run = RunDirectory(directory / "untrained")
    run.create()
    run.save_setup(config, vocabulary, labels)
    run.save_weights(classifier.model, vocabulary, labels)
    run.save_metrics({})
    return run, export_moved(run.path, directory, signatures=signatures)


@pytest.fixture(scope="session")
def exported(trained: TrainResult, shared) -> Exported:
    return Exported(trained.classifier, shared("moved", lambda to: export_moved(trained.run.path, to)))


@pytest.fixture(scope="session")
def exported_bfloat16(trained: TrainResult, shared) -> Exported:
    path = shared(
        "bfloat16", lambda to: export_moved(trained.run.path, to, precision="bfloat16", signatures=["embed"])
    )
    return Exported(trained.classifier, path)


@pytest.fixture(scope="session")
def exported_int8(trained: TrainResult, shared) -> Exported:
    if platform.machine() != "x86_64":
        pytest.skip("8-bit products need TensorFlow with oneDNN, as on x86-64")
    path = shared(
        "int8", lambda to: export_moved(trained.run.path, to, quantize="int8", signatures=["embed"])
    )
    return Exported(trained.classifier, path)


@pytest.fixture(scope="session")
def exported_pairs(shared) -> Exported:
    data = {"pair_column": "pair"}
    run, path = shared("pairs", lambda to: export_untrained(["other", "same"], to, ["embed"], data=data))
    return Exported(run.load(), path)


@pytest.fixture(scope="session")
def exported_sentencepiece(shared, unigram: SentencePieceVocabulary) -> Exported:
    """Pairs in XLM-R's layout."""
    model = unigram.parsed()
    for piece, name in zip(model.pieces, ("<pad>", "<unk>", "<s>", "</s>", "<mask>"), strict=False):
        piece.piece = name
    vocabulary = SentencePieceVocabulary(model.SerializeToString())
    data = {"pair_column": "pair"}

    def make(to: Path) -> tuple[RunDirectory, Path]:
        return export_untrained(["other", "same"], to, ["embed"], vocabulary, data=data)

    run, path = shared("sentencepiece", make)
    return Exported(run.load(), path)


@pytest.fixture(scope="session")
def exported_multi_label(shared) -> Exported:
    labels = ["dear", "fast", "positive"]
    run, path = shared("multi_label", lambda to: export_untrained(labels, to, task="multi_label"))
    return Exported(run.load(), path)


@pytest.fixture(scope="session")
def strings():
    def make(texts) -> np.ndarray:
        array = np.empty(len(texts), object)
        array[:] = [text if isinstance(text, bytes) else text.encode() for text in texts]
        return array

    return make

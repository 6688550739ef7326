"""Exports of four small models. What a test changes it copies first."""

import dataclasses
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config, merge, parse_config
from kerasbert.export import Published, export_model
from kerasbert.models import TextClassifier, complete_backbone_config
from kerasbert.tasks import get_task
from kerasbert.text import SPECIAL_TOKENS, Vocabulary
from kerasbert.training import TrainResult

SMALL = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "training": {"max_length": 24},
}
CHARACTERS = "手机酒店早餐衣服好快贵无0123456789"


@dataclass(frozen=True)
class Exported:
    classifier: TextClassifier  # what was exported
    published: Published
    run: Path

    @property
    def path(self) -> Path:
        return self.published.path


def export_moved(path: Path, classifier: TextClassifier, directory: Path, **settings: str) -> Exported:
    """Exports a copy of the run, then deletes the copy and moves the model."""
    run = Path(shutil.copytree(path, directory / "run"))
    published = export_model(run, directory / "first", **settings)
    shutil.rmtree(run)
    path = directory / "moved" / "away"
    path.parent.mkdir()
    published.path.rename(path)
    return Exported(classifier, dataclasses.replace(published, path=path), run)


def export_untrained(labels: list[str], directory: Path, **values) -> Exported:
    """Exports random weights, with a head that tells texts apart."""
    config = parse_config(Config, merge(SMALL, {"run_dir": "untrained", **values}), where="test")
    config.backbone = complete_backbone_config(config.backbone, config.training.max_length)
    task = get_task(config.task)(labels)
    config.task_options = task.options.model_dump()
    vocabulary = Vocabulary([*SPECIAL_TOKENS, *CHARACTERS])
    keras.utils.set_random_seed(0)
    classifier = TextClassifier(config, task, vocabulary)
    kernel = classifier.model.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    run = RunDirectory(directory / "untrained")
    run.create()
    run.save_setup(config, vocabulary, labels)
    run.save_weights(classifier.model, vocabulary, labels)
    run.save_metrics({})
    return export_moved(run.path, classifier, directory)


@pytest.fixture(scope="session")
def exported(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_moved(trained.run.path, trained.classifier, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="session")
def exported_bfloat16(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    directory = tmp_path_factory.mktemp("bfloat16")
    return export_moved(trained.run.path, trained.classifier, directory, precision="bfloat16")


@pytest.fixture(scope="session")
def exported_int8(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    if platform.machine() != "x86_64":
        pytest.skip("8-bit products need TensorFlow with oneDNN, as on x86-64")
    directory = tmp_path_factory.mktemp("int8")
    return export_moved(trained.run.path, trained.classifier, directory, quantize="int8")


@pytest.fixture(scope="session")
def exported_pairs(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    data = {"pair_column": "pair"}
    return export_untrained(["other", "same"], tmp_path_factory.mktemp("pairs"), data=data)


@pytest.fixture(scope="session")
def exported_multi_label(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    labels = ["dear", "fast", "positive"]
    return export_untrained(labels, tmp_path_factory.mktemp("multi_label"), task="multi_label")


@pytest.fixture(scope="session")
def strings():
    def make(texts) -> np.ndarray:
        array = np.empty(len(texts), object)
        array[:] = [text if isinstance(text, bytes) else text.encode() for text in texts]
        return array

    return make

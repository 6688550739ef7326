"""Exports of four small models. What a test changes it copies first."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from kerasbert.config import Config, merge, parse_config
from kerasbert.export import Published, export_model
from kerasbert.models import TextClassifier
from kerasbert.training import TrainResult, prepare, train

LONG = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "head": {"pooling": "mean"},
    "training": {"epochs": 2, "batch_size": 16, "max_length": 24, "learning_rate": 3e-3},
}


@dataclass(frozen=True)
class Exported:
    classifier: TextClassifier  # what was exported
    published: Published
    run: Path

    @property
    def path(self) -> Path:
        return self.published.path


def export_moved(result: TrainResult, directory: Path, precision: str = "float32") -> Exported:
    """Exports a copy of the run, then deletes the copy and moves the model."""
    run = Path(shutil.copytree(result.run.path, directory / "run"))
    published = export_model(run, directory / "first", precision=precision)
    shutil.rmtree(run)
    path = directory / "moved" / "away"
    path.parent.mkdir()
    published.path.rename(path)
    return Exported(result.classifier, Published(path, published.version, published.size), run)


def train_on(rows: list[dict], directory: Path, **values) -> TrainResult:
    data = directory / "rows.jsonl"
    data.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    given = {"data": {"train": str(data)}, "run_dir": str(directory / "trained")}
    config = parse_config(Config, merge(merge(LONG, given), values), where="test")
    return train(prepare(config))


@pytest.fixture(scope="session")
def exported(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_moved(trained, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="session")
def exported_bfloat16(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_moved(trained, tmp_path_factory.mktemp("bfloat16"), "bfloat16")


@pytest.fixture(scope="session")
def exported_pairs(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    directory = tmp_path_factory.mktemp("pairs")
    words = ("手机", "酒店", "早餐", "衣服")
    rows = [
        {"text": f"{a}{i}", "pair": f"{b}{i}", "label": "same" if a == b else "other"}
        for a in words
        for b in words
        for i in range(3)
    ]
    return export_moved(train_on(rows, directory, data={"pair_column": "pair"}), directory)


@pytest.fixture(scope="session")
def exported_multi_label(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    directory = tmp_path_factory.mktemp("multi_label")
    names = {"好": "positive", "快": "fast", "贵": "dear"}
    texts = ["好快", "好贵", "快贵", "好", "快", "贵", "好快贵", "无"] * 5
    rows = [
        {"text": f"{text}{i}", "label": [label for sign, label in names.items() if sign in text]}
        for i, text in enumerate(texts)
    ]
    result = train_on(rows, directory, task="multi_label", data={"validation_fraction": 0.25})
    return export_moved(result, directory)


@pytest.fixture(scope="session")
def strings():
    def make(texts) -> np.ndarray:
        array = np.empty(len(texts), object)
        array[:] = [text if isinstance(text, bytes) else text.encode() for text in texts]
        return array

    return make

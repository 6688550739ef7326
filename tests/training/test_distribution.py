"""Two replicas learn what one device learns."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from kerasbert.config import Config, merge, parse_config
from kerasbert.training import prepare, train
from kerasbert.training.callbacks import Validate

# 80 rows in batches of 4: 20 steps. Without dropout both trainings are the same mathematics.
SETTINGS = {
    "backbone": {
        "num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 24, "dropout": 0.0,
    },
    "head": {"dropout": 0.0},
    "training": {
        "epochs": 1, "batch_size": 4, "max_length": 16, "learning_rate": 1e-3, "clip_norm": None, "seed": 3,
    },
}  # fmt: skip
CASES = {
    "clipping": {"clip_norm": 0.05},
    # 13 batches of 6, then 2 rows, which both fall to one replica.
    "weights, smoothing and an uneven last batch": {
        "class_weights": {"negative": 0.2, "positive": 1.5}, "label_smoothing": 0.3, "batch_size": 6,
    },
}  # fmt: skip
Weights = dict[str, np.ndarray]


def weights_of(path: Path) -> Weights:
    weights: Weights = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and "seed_generator" not in name:
            weights[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(collect)
    return weights


def difference(one: Weights, other: Weights) -> float:
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


@pytest.fixture(scope="module")
def learn(reviews_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Weights]:
    """Returns a function that trains and returns the weights after the last step."""
    known: dict[str, Weights] = {}

    def run(strategy: str, **training) -> Weights:
        key = json.dumps([strategy, training])
        if key not in known:
            run_dir = tmp_path_factory.mktemp("mirrored") / "run"
            values = {"data": {"train": str(reviews_file), "validation": str(reviews_file)}}
            values = merge({**values, "run_dir": str(run_dir)}, SETTINGS)
            values = merge(values, {"training": {**training, "strategy": strategy}})
            train(prepare(parse_config(Config, values, where="test")))
            known[key] = weights_of(run_dir / "model.weights.h5")
        return known[key]

    return run


@pytest.fixture(autouse=True)
def _steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the validation and the figures, which take longer than the steps."""
    figures = {"loss": 1.0, "accuracy": 1.0, "macro_f1": 1.0}
    monkeypatch.setattr(Validate, "figures", lambda self: figures)
    monkeypatch.setattr(importlib.import_module("kerasbert.training.train"), "_finish", lambda *given: None)


def test_two_replicas_learn_what_one_device_learns(learn):
    assert difference(learn("mirrored"), learn("one_device")) <= 1e-6


@pytest.mark.parametrize("case", CASES)
def test_so_they_do_with(case: str, learn):
    one = learn("one_device", **CASES[case])
    assert difference(learn("mirrored", **CASES[case]), one) <= 1e-6
    assert difference(one, learn("one_device")) > 1e-4, "the case must matter for this to say anything"

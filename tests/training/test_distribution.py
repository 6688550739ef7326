"""Replicas, in one process and in several over loopback, learn what one device learns."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import Config, merge, parse_config
from kerasbert.training import prepare, train
from kerasbert.training.validation import Validation

from ..support import free_ports, mirrored_strategy, saved_weights, worker_logs, workers

pytestmark = pytest.mark.process

WORKER = Path(__file__).with_name("worker.py")
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
    "clipping and a cosine": {"clip_norm": 0.05, "schedule": "cosine"},
    "accumulation": {"batch_size": 12, "accumulation_steps": 2, "clip_norm": 0.05, "epochs": 3},
    # 13 batches of 6, then 2 rows, which both fall to one replica.
    "weights, smoothing and an uneven last batch": {
        "class_weights": {"negative": 0.2, "positive": 1.5}, "label_smoothing": 0.3, "batch_size": 6,
    },
    "layer-wise decay and a head rate": {"layer_decay": 0.5, "head_rate": 3.0, "embedding_rate": 2.0},
    "an average of thawing weights": {
        "ema_decay": 0.9, "gradual_unfreezing": True, "epochs": 3, "batch_size": 12,
    },
    "frozen layers, balanced sampling and a focal loss": {
        "frozen_layers": 0, "sampling": "balanced", "focal_gamma": 2.0,
    },
    "low-rank additions": {"lora_rank": 2},
    "a token budget": {"batch_tokens": 64, "batch_size": 12},
    "adversarial embeddings": {"adversarial_norm": 1.0},
    # Without dropout R-Drop is twice the loss, which Adam forgives.
    "two passes over smoothed labels": {"r_drop": 1.0, "label_smoothing": 0.3},
}  # fmt: skip
# They change the loss, the rate or the order of rows alike on all replicas.
SIMPLE_CASES = (
    "clipping and a cosine",
    "frozen layers, balanced sampling and a focal loss",
    "two passes over smoothed labels",
)
# What depends on how rows are divided.
THREE_WORKERS = ("accumulation", "weights, smoothing and an uneven last batch", "a token budget")
Weights = dict[str, np.ndarray]


def weights_of(path: Path) -> Weights:
    return {name: weight for name, weight in saved_weights(path).items() if "seed_generator" not in name}


def cluster(size: int, *arguments: object, directory: Path):
    return workers(size, [sys.executable, str(WORKER), *map(str, arguments)], directory)


def difference(one: Weights, other: Weights) -> float:
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


@pytest.fixture(scope="module")
def learn(reviews_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Weights]:
    """Returns a function that trains and returns the weights after the last step."""
    known: dict[str, Weights] = {}
    strategies = {
        "one_device": tf.distribute.get_strategy,
        "mirrored": mirrored_strategy,
    }

    def run(strategy: str, **training) -> Weights:
        key = json.dumps([strategy, training])
        if key not in known:
            run_dir = tmp_path_factory.mktemp("mirrored") / "run"
            values = {"data": {"train": str(reviews_file), "validation": str(reviews_file)}}
            values = merge({**values, "run_dir": str(run_dir)}, SETTINGS)
            values = merge(values, {"training": training})
            train(prepare(parse_config(Config, values, where="test")), strategy=strategies[strategy]())
            known[key] = weights_of(run_dir / "model.weights.h5")
        return known[key]

    return run


@pytest.fixture(autouse=True)
def _steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the validation and the figures, which take longer than the steps."""
    # Each epoch is the best: the saved weights are those after the last step.
    figures = lambda self: {"loss": 1.0, "accuracy": time.time(), "macro_f1": time.time()}  # noqa: E731
    monkeypatch.setattr(Validation, "__call__", figures)
    monkeypatch.setattr(importlib.import_module("kerasbert.training.train"), "finish", lambda *given: given)


@pytest.mark.slow
def test_two_replicas_learn_what_one_device_learns(learn):
    assert difference(learn("mirrored"), learn("one_device")) <= 1e-6


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in SIMPLE_CASES else case for case in CASES]
)
def test_so_they_do_with(case: str, learn):
    one = learn("one_device", **CASES[case])
    assert difference(learn("mirrored", **CASES[case]), one) <= 1e-6
    assert difference(one, learn("one_device")) > 1e-4, "the case must matter for this to say anything"


@pytest.mark.parametrize(
    ("size", "names"),
    [
        (2, ["accumulation"]),
        pytest.param(3, THREE_WORKERS, marks=pytest.mark.slow),
    ],
)
def test_workers_learn_what_one_device_learns(
    size: int, names: Sequence[str], learn, reviews_file: Path, tmp_path: Path
):
    configs, data = [], {"data": {"train": str(reviews_file), "validation": str(reviews_file)}}
    # Its share of the last batch is empty for one worker of three.
    cases = {name: {"batch_size": 12, **CASES[name]} for name in names}
    for number, training in enumerate(cases.values()):
        values = merge({**data, "run_dir": str(tmp_path / str(number))}, SETTINGS)
        configs.append(merge(values, {"training": {**training, "strategy": "multi_worker"}}))
    (tmp_path / "configs.json").write_text(json.dumps(configs), encoding="utf-8")
    with cluster(size, tmp_path / "configs.json", "--steps-only", directory=tmp_path) as started:
        codes = [worker.wait(240) for worker in started]
    assert codes == [0] * size, worker_logs(tmp_path)
    for number, (case, training) in enumerate(cases.items()):
        one = learn("one_device", **training)
        assert difference(weights_of(tmp_path / str(number) / "model.weights.h5"), one) <= 1e-6, case


@pytest.mark.slow
def test_a_worker_that_never_comes_is_not_waited_for_for_ever(tmp_path: Path):
    address, missing = (f"127.0.0.1:{port}" for port in free_ports(2))
    script = (
        "from kerasbert.config import TrainingConfig\n"
        "from kerasbert.engine.strategy import choose_strategy\n"
        "choose_strategy(TrainingConfig(strategy='multi_worker', cluster_minutes=0.05))\n"
    )
    task = {"cluster": {"worker": [address, missing]}, "task": {"type": "worker", "index": 0}}
    environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    assert "Error: not all workers of the cluster came within 0.05 minutes." in ended.stderr


def long_run(directory: Path, rows: Path) -> Path:
    """Writes the configuration of a training that takes a while, and returns its path."""
    values = {"data": {"train": str(rows), "validation": str(rows)}, "run_dir": str(directory / "run")}
    training = {"batch_size": 4, "epochs": 5, "checkpoint_every_steps": 3, "strategy": "multi_worker"}
    settings = merge(SETTINGS, {"backbone": {"dropout": 0.1}, "training": training})
    (directory / "configs.json").write_text(json.dumps([merge(values, settings)]), encoding="utf-8")
    return directory / "configs.json"


def newest_checkpoint(directory: Path) -> str:
    return max((path.name for path in directory.glob("run/checkpoints/step-*.state")), default="")


@pytest.mark.slow
def test_a_lost_worker_ends_the_other_and_both_go_on_together(reviews_file: Path, tmp_path: Path):
    undisturbed, disturbed = (tmp_path / name for name in ("undisturbed", "disturbed"))
    for directory in (undisturbed, disturbed):
        directory.mkdir()
    with cluster(2, long_run(undisturbed, reviews_file), "--steps-only", directory=undisturbed) as started:
        assert [worker.wait(240) for worker in started] == [0, 0], worker_logs(undisturbed)
    config, options = long_run(disturbed, reviews_file), ["--steps-only"]
    for lost in (1, 0):  # the chief is the second
        begun = newest_checkpoint(disturbed) or f"step-{0:09d}.state"
        with cluster(2, config, *options, directory=disturbed) as started:
            deadline = time.monotonic() + 120
            while newest_checkpoint(disturbed) <= begun:
                assert time.monotonic() < deadline, worker_logs(disturbed)
                time.sleep(0.05)
            started[lost].kill()
            assert started[1 - lost].wait(60) not in (0, None)
        assert not (disturbed / "run" / "metrics.json").exists()
        options = ["--steps-only", "--resume"]
    with cluster(2, config, *options, directory=disturbed) as started:
        assert [worker.wait(240) for worker in started] == [0, 0], worker_logs(disturbed)
    weights = (weights_of(each / "run" / "model.weights.h5") for each in (disturbed, undisturbed))
    assert difference(*weights) == 0.0

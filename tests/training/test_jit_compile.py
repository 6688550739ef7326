"""A training whose steps XLA compiles learns what one that is not compiled learns."""

import importlib
import json
import re
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import Config, merge, parse_config
from kerasbert.engine.optimizer import ReplicatedAdamW
from kerasbert.engine.strategy import distribute
from kerasbert.engine.trainer import Trainer
from kerasbert.errors import ConfigError
from kerasbert.training import prepare, train
from kerasbert.training.validation import Validation

from ..support import saved_weights

SETTINGS = {
    # Dropout would draw other numbers for other shapes.
    "backbone": {
        "num_layers": 1,
        "hidden_dim": 16,
        "num_heads": 2,
        "intermediate_dim": 24,
        "dropout": 0.0,
    },
    "head": {"dropout": 0.0},
    "training": {"epochs": 2, "batch_size": 6, "max_length": 32, "learning_rate": 1e-3},
}


@pytest.fixture
def data(tmp_path: Path) -> dict:
    """10 rows of 2 to 18 characters: a full batch of short ones and one of long ones, which is filled up."""
    rows = [{"text": "很好" * n if n % 2 else "太差了" * n, "label": "ab"[n % 2]} for n in [1, 2, 3] * 2]
    rows += [{"text": "一般般" * n, "label": "ab"[n % 2]} for n in [3, 4, 5, 6]]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return {"data": {"train": str(path), "validation": str(path)}}


def config(data: dict, run_dir: Path, **training) -> Config:
    values = merge({**data, "run_dir": str(run_dir)}, SETTINGS)
    return parse_config(Config, merge(values, {"training": training}), where="test")


@pytest.mark.process
@pytest.mark.parametrize(
    ("pooling", "training"),
    [
        ("cls", {}),
        pytest.param(
            "mean_max",
            {"precision": "mixed_float16", "ema_decay": 0.9, "lora_rank": 2, "gradual_unfreezing": True},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_it_learns_what_a_training_without_xla_learns(
    pooling: str, training: dict, data: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Each epoch is the best: the saved weights are those after the last step.
    figures = lambda self: {"loss": 1.0, "accuracy": time.time(), "macro_f1": time.time()}  # noqa: E731
    monkeypatch.setattr(Validation, "__call__", figures)
    monkeypatch.setattr(importlib.import_module("kerasbert.training.train"), "finish", lambda *given: given)
    learned = []
    for compiled in (False, True):
        run_dir = tmp_path / f"run{compiled}"
        chosen = config(data, run_dir, jit_compile=compiled, **training)
        chosen.head.pooling = pooling
        train(prepare(chosen))
        weights = saved_weights(run_dir / "model.weights.h5")
        learned.append({name: value for name, value in weights.items() if "seed" not in name})
    plain, compiled = learned
    tolerance = 1e-5 if not training else 1e-3
    assert plain.keys() == compiled.keys()
    for name, weight in plain.items():
        np.testing.assert_allclose(compiled[name], weight, atol=tolerance, err_msg=name)


def trainer(strategy: tf.distribute.Strategy) -> Trainer:
    """Of an objective that measures a string, which XLA cannot."""
    with strategy.scope():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

        def objective(inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, dict]:
            length = tf.strings.length(tf.strings.as_string(targets))
            return tf.reduce_sum(model(inputs)) * tf.cast(length[0], tf.float32), {}

        return Trainer(model, ReplicatedAdamW(1e-3), objective, strategy, jit_compile=True)


def test_an_objective_that_xla_cannot_compile_is_one_line():
    one = tf.ones([1])
    batches = tf.data.Dataset.from_tensors((tf.ones([1, 1]), one, one))
    strategy = tf.distribute.get_strategy()
    compiled = trainer(strategy)
    with pytest.raises(ConfigError, match=r"^training\.jit_compile: XLA cannot .* false$") as raised:
        compiled.step(distribute(strategy, batches))
    assert "\n" not in str(raised.value)


def test_several_replicas_are_refused(mirrored: tf.distribute.Strategy):
    with pytest.raises(ConfigError, match=r"uses 2\. Set training\.strategy: one_device"):
        trainer(mirrored)


@pytest.mark.parametrize(
    ("training", "key"),
    [
        ({"strategy": "multi_worker"}, "training.strategy: multi_worker"),
        ({"strategy": "mirrored"}, "training.strategy: mirrored"),
        ({"batch_tokens": 512}, "training.batch_tokens"),
        ({"accumulation_steps": 2}, "training.accumulation_steps"),
        ({"r_drop": 1.0}, "training.r_drop"),
        ({"adversarial_norm": 1.0}, "training.adversarial_norm"),
    ],
)
def test_what_has_no_fixed_shapes_is_refused(training: dict, key: str, data: dict, tmp_path: Path):
    with pytest.raises(ConfigError, match=rf"jit_compile: does not go with {re.escape(key)}\."):
        config(data, tmp_path / "run", jit_compile=True, **training)


def test_so_is_a_teacher(data: dict, tmp_path: Path):
    values = {**data, "training": {"jit_compile": True}, "distillation": {"teacher": "runs/other"}}
    with pytest.raises(ConfigError, match=r"jit_compile: does not go with distillation\.teacher\."):
        parse_config(Config, values, where="test")

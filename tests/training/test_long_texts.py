"""Texts whose deciding word stands beyond `training.max_length`."""

import json

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.evaluation import evaluate_rows
from kerasbert.training import prepare, train
from kerasbert.training.opening import opening
from kerasbert.training.training_rows import TrainingRows

from ..support import saved_weights

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def long_texts(shared):
    def write(directory):
        random = np.random.default_rng(0)
        path = directory / "long.jsonl"
        rows = []
        for number in range(96):
            filler = ["".join(random.choice(list("手机酒店早餐衣服"), n)) for n in random.integers(16, 30, 2)]
            word, label = [("很好", "positive"), ("太差", "negative")][number % 2]
            rows.append({"text": filler[0] + word + filler[1], "label": label})
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return str(path)

    return shared("long_texts", write)


def trained_on(tiny_config, long_texts, **changes):
    training = {"epochs": 10, "batch_size": 16, "learning_rate": 1e-2, **changes.pop("training", {})}
    return train(prepare(tiny_config(data={"train": long_texts}, training=training, **changes)))


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"training": {"r_drop": 0.5, "adversarial_norm": 0.5}}])
def test_windows_read_what_the_head_of_a_text_does_not_say(tiny_config, long_texts, changes):
    result = trained_on(tiny_config, long_texts, text={"windows": 6}, head={"pooling": "max"}, **changes)
    assert result.metrics["accuracy"] == 1.0
    rows = result.prepared.validation
    lengths = evaluate_rows(result.model, rows).metrics["lengths"]
    assert lengths == {"max_length": 16, "windows": 6, "longer": 1.0, "cut": 0.0}
    words = [word["word"] for word in result.model.explain("手机" * 20 + "太差" + "酒店" * 9)["words"]]
    assert "".join(words) == "手机" * 20 + "太差" + "酒店" * 9


@pytest.mark.slow
def test_without_them_it_is_left_to_chance(tiny_config, long_texts):
    assert trained_on(tiny_config, long_texts).metrics["accuracy"] < 0.9


@pytest.mark.parametrize(
    ("windows", "said"), [(1, "are cut at max_length 16"), (2, "have several windows of max_length 16")]
)
def test_how_many_rows_are_longer_than_a_window_is_said(tiny_config, long_texts, windows, said):
    prepared = prepare(tiny_config(data={"train": long_texts}, text={"windows": windows}))
    rows = TrainingRows(prepared)
    assert f"rows (100.0%) {said}" in opening(prepared, rows, tf.distribute.get_strategy())
    limit = "text.windows, 2 of 16 tokens" if windows == 2 else "training.max_length, 16 tokens"
    (warning,) = rows.warnings
    assert f"(100.0%) are longer than {limit}, and are truncated" in warning


def test_two_replicas_learn_what_one_device_learns(tiny_config, long_texts, mirrored, tmp_path):
    learned = []
    for number, strategy in enumerate((tf.distribute.get_strategy(), mirrored)):
        config = tiny_config(
            run_dir=str(tmp_path / str(number)),
            data={"train": long_texts},
            text={"windows": 6},
            backbone={"dropout": 0.0},
            head={"pooling": "attention", "dropout": 0.0},
            training={"epochs": 1, "batch_size": 16, "learning_rate": 1e-3, "clip_norm": 0.05},
        )
        weights = saved_weights(train(prepare(config), strategy=strategy).run.weights)
        learned.append({name: values for name, values in weights.items() if "seed" not in name})
    one, two = learned
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, atol=1e-6, err_msg=name)

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import softmax
from sklearn.metrics import log_loss
from sklearn.preprocessing import label_binarize

from kerasbert.errors import ConfigError
from kerasbert.tasks import Classification

LABELS = ("a", "b", "c")
finite = st.floats(-50, 50, width=32)
logit_arrays = arrays.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(3)), elements=finite)


def decide(logits: np.ndarray) -> dict[str, np.ndarray]:
    outputs = Classification(LABELS).decide(tf.constant(logits))
    return {name: value.numpy() for name, value in outputs.items()}


@settings(deadline=None, max_examples=50)
@given(logit_arrays)
def test_probabilities_are_the_softmax(logits: np.ndarray):
    probabilities = decide(logits)["probabilities"]
    np.testing.assert_allclose(probabilities, softmax(logits.astype(float), axis=-1), atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(logit_arrays)
def test_the_most_probable_label_is_decided(logits: np.ndarray):
    outputs = decide(logits)
    rows = np.arange(len(logits))
    assert np.all(outputs["score"] == outputs["probabilities"].max(axis=1, initial=0))
    assert np.all(outputs["probabilities"][rows, outputs["label_id"]] == outputs["score"])
    assert [label.decode() for label in outputs["label"]] == [LABELS[i] for i in outputs["label_id"]]


def test_clear_logits_give_their_label():
    outputs = decide(np.array([[0, 0, 9], [9, 0, 0], [0, 9, 0]], np.float32))
    assert outputs["label"].tolist() == [b"c", b"a", b"b"]
    assert outputs["label_id"].tolist() == [2, 0, 1]


def test_targets_are_one_hot(task: Classification):
    rows = [("b",), ("a",), ("c",), ("b",)]
    expected = label_binarize([row[0] for row in rows], classes=LABELS)
    np.testing.assert_array_equal(task.targets(rows), expected)


def test_loss_is_the_log_loss(task: Classification):
    logits = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    truth = np.random.default_rng(1).integers(0, 3, 20)
    expected = log_loss(truth, softmax(logits.astype(float), axis=1), labels=[0, 1, 2])
    assert float(task.loss()(np.eye(3)[truth], logits)) == pytest.approx(expected, abs=1e-6)


def test_label_smoothing_mixes_in_the_uniform_distribution(task: Classification):
    logits = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    targets = np.eye(3)[np.random.default_rng(1).integers(0, 3, 20)]
    smoothed = 0.8 * targets + 0.2 / 3
    expected = -np.mean(np.sum(smoothed * np.log(softmax(logits.astype(float), axis=1)), axis=1))
    assert float(task.loss(0.2)(targets, logits)) == pytest.approx(expected, abs=1e-6)


def test_unknown_options_are_refused():
    with pytest.raises(ConfigError, match=r"task_options: threshold: unknown key.*Received: 0\.3"):
        Classification(LABELS, {"threshold": 0.3})

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


COSTS = {"a": {"b": 9.0, "c": 2.5}, "b": {"a": 0.5}}


@settings(deadline=None, max_examples=50)
@given(logit_arrays)
def test_the_label_of_the_lowest_expected_cost_is_decided(logits: np.ndarray):
    probabilities = softmax(logits.astype(float), axis=-1)
    cost = {(t, d): COSTS.get(t, {}).get(d, float(t != d)) for t in LABELS for d in LABELS}
    outputs = Classification(LABELS, {"costs": COSTS}).decide(tf.constant(logits))
    for of_row, label, score in zip(
        probabilities, outputs["label"].numpy(), outputs["score"].numpy(), strict=True
    ):
        expected = {d: sum(p * cost[t, d] for t, p in zip(LABELS, of_row, strict=True)) for d in LABELS}
        assert expected[label.decode()] == pytest.approx(min(expected.values()), abs=1e-5)
        assert score == pytest.approx(of_row[LABELS.index(label.decode())], abs=1e-6)


def test_costs_of_two_labels_are_a_threshold():
    """Elkan 2001, eq. 2: decide b where p(b) >= c10 / (c10 + c01)."""
    task = Classification(("a", "b"), {"costs": {"a": {"b": 4.0}, "b": {"a": 1.0}}})
    p = np.array([0.5, 0.79, 0.81, 0.95])
    logits = np.log(np.stack([1 - p, p], axis=1)).astype(np.float32)
    assert task.decide(tf.constant(logits))["label"].numpy().tolist() == [b"a", b"a", b"b", b"b"]


def test_labels_that_yaml_reads_as_numbers_are_labels():
    task = Classification(("0", "1"), {"costs": {0: {1: 4}}})
    assert task.options.costs == {"0": {"1": 4.0}}


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"x": {"a": 1}}, "costs: must be of labels: a, b, c. Received: x"),
        ({"a": {"y": 1}}, "Received: y"),
        ({"a": {"b": -1}}, "greater than or equal to 0"),
        ({"a": {"b": float("nan")}}, "costs"),
        ({"a": {"b": float("inf")}}, "costs"),
        ({"a": 1}, "costs"),
    ],
)
def test_wrong_costs_are_refused(costs, message):
    with pytest.raises(ConfigError, match=message):
        Classification(LABELS, {"costs": costs})

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from kerasbert.errors import ConfigError
from kerasbert.tasks import Classification, Hierarchical
from kerasbert.tasks.hierarchy import Hierarchy
from kerasbert.testing import TaskContract

LABELS = ("体育/足球", "体育/篮球/NBA", "体育/篮球/CBA", "财经/股票", "财经/基金", "其他")
ANCESTORS = {
    0: {"体育"},
    1: {"体育", "体育/篮球"},
    2: {"体育", "体育/篮球"},
    3: {"财经"},
    4: {"财经"},
    5: set(),
}
logit_arrays = arrays.arrays(
    np.float32, st.tuples(st.integers(0, 6), st.just(6)), elements=st.floats(-50, 50, width=32)
)


def decide(logits: np.ndarray) -> dict[str, np.ndarray]:
    outputs = Hierarchical(LABELS).decide(tf.constant(logits, tf.float32))
    return {name: value.numpy() for name, value in outputs.items()}


@settings(deadline=None, max_examples=50)
@given(logit_arrays)
def test_an_ancestor_has_the_sum_of_the_probabilities_below_it(logits: np.ndarray):
    outputs, probabilities = decide(logits), softmax(logits.astype(float), axis=1)
    assert outputs["levels"].shape == outputs["level_scores"].shape == (len(logits), 3)
    for row, chosen in enumerate(outputs["label_id"]):
        path = [level.decode() for level in outputs["levels"][row]]
        assert path[-1] == outputs["label"][row].decode() == LABELS[chosen]
        assert set(path) == ANCESTORS[chosen] | {LABELS[chosen]}
        for node, score in zip(path, outputs["level_scores"][row], strict=True):
            below = [label == node or label.startswith(node + "/") for label in LABELS]
            assert score == pytest.approx(probabilities[row, below].sum(), abs=1e-5)
        assert np.all(np.diff(outputs["level_scores"][row]) <= 1e-6)


@settings(deadline=None, max_examples=50)
@given(logit_arrays, st.sampled_from([0.0, 0.5, 2.0]))
def test_the_loss_is_the_crossentropy_of_the_label_and_its_ancestors(logits: np.ndarray, weight: float):
    truth = np.arange(len(logits)) % len(LABELS)
    task = Hierarchical(LABELS, {"ancestor_weight": weight})
    loss = task.loss().call(task.targets([[LABELS[i]] for i in truth]), tf.constant(logits))
    probabilities = softmax(logits.astype(float), axis=1)
    for row, label in enumerate(truth):
        expected = -log_softmax(logits[row].astype(float))[label]
        for node in ANCESTORS[label]:
            expected -= weight * np.log(probabilities[row, [node in ANCESTORS[i] for i in range(6)]].sum())
        assert float(loss[row]) == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("settings", [{"label_smoothing": 0.1}, {"focal_gamma": 2.0}, {"focal_gamma": 0.5}])
def test_without_ancestors_it_is_classification(settings):
    flat, logits = ("a", "b", "c"), np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    ours, plain = (
        task(flat).loss(**settings).call(targets, logits) for task in (Hierarchical, Classification)
    )
    np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_gradients_are_finite_for_extreme_logits(gamma):
    task, logits = Hierarchical(LABELS), tf.Variable([[1e4, 0, 0, 0, 0, -1e4], [-1e4, 1e4, 1e4, 0, 0, 0]])
    targets = task.targets([["其他"], ["体育/足球"]])
    with tf.GradientTape() as tape:
        loss = task.loss(focal_gamma=gamma).call(targets, logits)
    assert np.all(np.isfinite(loss))
    assert np.all(np.isfinite(tape.gradient(loss, logits)))


@pytest.mark.process
@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_metrics_are_those_of_scikit_learn_on_labels_with_their_ancestors(pairs):
    truth, decided = map(list, zip(*pairs, strict=True))
    eye = np.eye(6, dtype=np.float32)
    found = Hierarchy(LABELS).metrics(eye[truth], eye[decided])
    nodes = sorted({*LABELS, *set().union(*ANCESTORS.values())})
    sets = [[node in ANCESTORS[i] | {LABELS[i]} for node in nodes] for i in range(6)]
    expected = precision_recall_fscore_support(
        [sets[i] for i in truth], [sets[i] for i in decided], average="micro", zero_division=0
    )
    assert [found[key] for key in ("precision", "recall", "f1")] == pytest.approx(list(expected[:3]))
    top = ["体育", "体育", "体育", "财经", "财经", "其他"]
    assert [level["labels"] for level in found["levels"]] == [3, 5, 6]
    assert found["levels"][0]["accuracy"] == accuracy_score(
        [top[i] for i in truth], [top[i] for i in decided]
    )
    assert found["levels"][2]["accuracy"] == accuracy_score(truth, decided)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["体育", "体育/足球"], "'体育' is a label and above another, '体育/足球'. .*'体育/other'"),
        (["a//b", "c"], "'a//b' has an empty part"),
        (["/a", "c"], "'/a' has an empty part"),
        (["a/ ", "c"], "'a/ ' has an empty part"),
    ],
)
def test_labels_that_are_no_hierarchy_are_refused(labels, message):
    with pytest.raises(ConfigError, match=message):
        Hierarchical(labels)


@pytest.mark.process
class TestContract(TaskContract):
    name, labels = "hierarchical", LABELS

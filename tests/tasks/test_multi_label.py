import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit
from sklearn.metrics import f1_score, log_loss
from sklearn.preprocessing import MultiLabelBinarizer

from kerasbert.errors import ConfigError
from kerasbert.tasks import MultiLabel

LABELS = ("food", "room", "staff")
finite = st.floats(-20, 20, width=32)
logit_arrays = arrays.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(3)), elements=finite)


def decide(logits: np.ndarray, **options: float) -> dict[str, np.ndarray]:
    outputs = MultiLabel(LABELS, options).decide(tf.constant(logits, tf.float32))
    return {name: value.numpy() for name, value in outputs.items()}


@settings(deadline=None, max_examples=50)
@given(logit_arrays)
def test_each_probability_is_a_sigmoid(logits: np.ndarray):
    np.testing.assert_allclose(decide(logits)["probabilities"], expit(logits.astype(float)), atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(logit_arrays, st.sampled_from([0.1, 0.5, 0.9]))
def test_a_label_is_selected_from_the_threshold_on(logits: np.ndarray, threshold: float):
    outputs = decide(logits, threshold=threshold)
    np.testing.assert_array_equal(outputs["selected"], outputs["probabilities"] >= np.float32(threshold))


def test_the_threshold_itself_is_enough():
    assert decide([[0.0, -1.0, -1.0]])["label"].tolist() == [b"food"]


def test_selected_labels_are_joined_in_order():
    outputs = decide([[5, -5, 5], [5, 5, 5], [-5, 5, -5]])
    assert outputs["label"].tolist() == [b"food|staff", b"food|room|staff", b"room"]


def test_the_name_of_before_gives_the_same():
    outputs = decide([[5, -5, 5], [-5, 5, -5]])
    np.testing.assert_array_equal(outputs["given"], outputs["selected"])


def test_no_label_at_all_is_an_answer():
    outputs = decide([[-3, -1, -2]])
    assert outputs["label"].tolist() == [b""]
    assert outputs["selected"].tolist() == [[0, 0, 0]]
    assert outputs["label_id"].tolist() == [1]
    assert outputs["score"][0] == pytest.approx(expit(-1.0), abs=1e-6)


def test_an_empty_batch_has_empty_outputs():
    outputs = decide(np.zeros((0, 3), np.float32))
    assert {name: value.shape for name, value in outputs.items()} == {
        "label": (0,), "label_id": (0,), "score": (0,), "probabilities": (0, 3),
        "selected": (0, 3), "given": (0, 3),
    }  # fmt: skip


def test_targets_are_those_of_a_binarizer():
    rows = [("room", "food"), (), ("staff",), LABELS]
    expected = MultiLabelBinarizer(classes=LABELS).fit_transform(rows)
    np.testing.assert_array_equal(MultiLabel(LABELS).targets(rows), expected)


def test_loss_is_the_mean_log_loss_of_the_labels():
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(30, 3)).astype(np.float32), random.integers(0, 2, (30, 3))
    expected = np.mean([log_loss(targets[:, i], expit(logits[:, i].astype(float))) for i in range(3)])
    assert float(MultiLabel(LABELS).loss()(targets, logits)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("threshold", [0, 1, -0.5, "high"])
def test_impossible_thresholds_are_refused(threshold: object):
    with pytest.raises(ConfigError, match="task_options: threshold"):
        MultiLabel(LABELS, {"threshold": threshold})


def test_a_label_may_have_a_threshold_of_its_own():
    outputs = decide([[0.0, 0.0, 0.0]], threshold=0.6, thresholds={"room": 0.4})
    assert outputs["selected"].tolist() == [[0, 1, 0]]
    assert outputs["label"].tolist() == [b"room"]


@pytest.mark.process
@pytest.mark.parametrize("wanted", [0.1, 0.5])
def test_thresholds_are_chosen_label_by_label(wanted: float):
    rng = np.random.default_rng(0)
    targets = (rng.uniform(size=(300, 3)) < [0.5, 0.1, 0.0]).astype(np.float32)
    probabilities = np.clip(rng.normal(0.3 + 0.3 * targets, 0.2), 0, 1).astype(np.float32)
    options = MultiLabel(LABELS, {"precision": wanted}).calibrate(probabilities, targets)
    assert set(options.thresholds) == {"food", "room"}, "no row has staff"
    for column, label in enumerate(LABELS[:2]):
        truth, scores = targets[:, column], probabilities[:, column]

        def figures(threshold: float, truth=truth, scores=scores) -> tuple[float, float]:
            called = scores >= threshold
            return (np.sum(called * truth) + 1) / (called.sum() + 2), f1_score(truth, called)

        precision, f1 = figures(np.float32(options.thresholds[label]))
        reached = [found[1] for found in map(figures, scores) if found[0] >= wanted]
        assert precision >= wanted
        assert f1 == pytest.approx(max(reached))


def test_without_a_wanted_precision_thresholds_stay():
    task = MultiLabel(LABELS, {"thresholds": {"food": 0.3}})
    assert task.calibrate(np.full((4, 3), 0.5), np.ones((4, 3))) == task.options


def test_thresholds_of_other_labels_are_refused():
    with pytest.raises(
        ConfigError, match=r"thresholds: must be of labels: food, room, staff\. Received: bar"
    ):
        MultiLabel(LABELS, {"thresholds": {"bar": 0.3}})
    with pytest.raises(ConfigError, match="task_options: thresholds"):
        MultiLabel(LABELS, {"thresholds": {"food": 1.3}})

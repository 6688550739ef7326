import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kerasbert_spam import Spam, SpamOptions
from sklearn.metrics import f1_score

from kerasbert.errors import ConfigError

pytestmark = pytest.mark.process

LABELS = ("ham", "spam")
# Few distinct scores, so that ties are frequent.
scored_rows = st.lists(
    st.tuples(st.sampled_from(np.linspace(0.01, 0.99, 25)), st.booleans()), min_size=2, max_size=40
)
wanted_precisions = st.sampled_from([0.3, 0.5, 0.75, 0.9, 1.0])


def arrays(rows: list) -> tuple[np.ndarray, np.ndarray]:
    scores = np.array([score for score, _ in rows], np.float32)
    truth = np.array([is_spam for _, is_spam in rows])
    return scores, truth


def calibrate(scores: np.ndarray, truth: np.ndarray, precision: float) -> SpamOptions:
    task = Spam(LABELS, {"precision": precision})
    targets = np.stack([~truth, truth], axis=1).astype(np.float32)
    return task.calibrate(np.stack([1 - scores, scores], axis=1), targets)


def figures(scores: np.ndarray, truth: np.ndarray, threshold: float) -> tuple[float, float]:
    """Returns the estimated precision, and F1."""
    called = scores >= np.float32(threshold)
    return (np.sum(called & truth) + 1) / (np.sum(called) + 2), f1_score(truth, called)


def decide(probabilities: np.ndarray, threshold: float) -> list[str]:
    logits = np.log(np.stack([1 - probabilities, probabilities], axis=1)).astype(np.float32)
    labels = Spam(LABELS, {"threshold": threshold}).decide(tf.constant(logits))["label"]
    return [label.decode() for label in labels.numpy()]


@settings(deadline=None, max_examples=100)
@given(scored_rows, wanted_precisions)
def test_no_threshold_of_the_wanted_precision_has_a_higher_f1(rows: list, wanted: float):
    scores, truth = arrays(rows)
    assume(truth.any())
    reached = [
        f1
        for precision, f1 in (figures(scores, truth, threshold) for threshold in scores)
        if precision >= wanted
    ]
    assume(reached)
    precision, f1 = figures(scores, truth, calibrate(scores, truth, wanted).threshold)
    assert precision >= wanted
    assert np.isclose(f1, max(reached))


@settings(deadline=None, max_examples=100)
@given(scored_rows)
def test_an_unreachable_precision_gives_the_highest_there_is(rows: list):
    scores, truth = arrays(rows)
    assume(truth.any())
    best = max(figures(scores, truth, threshold)[0] for threshold in scores)
    precision, _ = figures(scores, truth, calibrate(scores, truth, 1.0).threshold)
    assert precision == pytest.approx(best)


def test_one_lucky_row_is_not_precise():
    # The highest score is spam and the next is not; below there is much spam, and 10 % ham.
    scores = np.concatenate([[0.99, 0.98], np.linspace(0.6, 0.9, 100), np.linspace(0.1, 0.4, 100)])
    truth = np.concatenate([[True, False], np.arange(100) % 10 > 0, np.zeros(100, bool)])
    threshold = calibrate(scores.astype(np.float32), truth, 0.95).threshold
    assert 0.4 < threshold < 0.65


def test_calibration_keeps_the_wanted_precision():
    scores, truth = np.array([0.1, 0.9], np.float32), np.array([False, True])
    assert calibrate(scores, truth, 0.75).precision == 0.75


@pytest.mark.parametrize("noise", [-1e-6, 1e-6])
def test_rounding_does_not_move_a_row_across_the_calibrated_threshold(noise: float):
    # A row's probability differs by about 1e-7 with the batch and the padding it comes in.
    scores, truth = np.array([0.1, 0.3, 0.6, 0.8], np.float32), np.array([False, False, True, True])
    threshold = calibrate(scores, truth, 0.98).threshold
    assert decide(scores + np.float32(noise), threshold) == ["ham", "ham", "spam", "spam"]


def test_without_any_spam_to_calibrate_on_not_everything_becomes_spam():
    scores = np.array([0.1, 0.2, 0.3], np.float32)
    threshold = calibrate(scores, np.array([False, False, False]), 0.98).threshold
    assert decide(scores, threshold) == ["ham", "ham", "ham"]


@pytest.mark.parametrize(
    ("threshold", "labels"),
    [
        (0.5, ["ham", "ham", "spam", "spam"]),
        (0.2, ["ham", "spam", "spam", "spam"]),
        (0.85, ["ham", "ham", "ham", "spam"]),
        (0.0, ["spam"] * 4),
        (1.0, ["ham"] * 4),
    ],
)
def test_decisions_follow_the_threshold(threshold: float, labels: list[str]):
    assert decide(np.array([0.1, 0.3, 0.7, 0.9]), threshold) == labels


def test_the_score_is_that_of_the_decided_label():
    logits = tf.constant(np.log([[0.7, 0.3]]), tf.float32)
    outputs = Spam(LABELS, {"threshold": 0.2}).decide(logits)
    assert outputs["label"].numpy().tolist() == [b"spam"]
    assert outputs["label_id"].numpy().tolist() == [1]
    assert outputs["score"].numpy()[0] == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("options", [{"precision": 0}, {"precision": 1.2}, {"threshold": -0.1}])
def test_impossible_options_are_refused(options: dict):
    with pytest.raises(ConfigError, match=f"task_options: {next(iter(options))}"):
        Spam(LABELS, options)

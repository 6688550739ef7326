import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.curation.confident_learning import (
    confident_joint,
    estimated_joint,
    label_errors,
    margins,
    thresholds,
)

# The thresholds are (0.9 + 0.8 + 0.1) / 3 = 0.6 and (0.7 + 0.9) / 2 = 0.8.
GIVEN = np.array([0, 0, 0, 1, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.1, 0.9]])


def test_the_definitions_worked_by_hand():
    assert thresholds(GIVEN, PROBABILITIES) == pytest.approx([0.6, 0.8])
    # Row 3 reaches neither threshold.
    assert confident_joint(GIVEN, PROBABILITIES).tolist() == [[2, 1], [0, 1]]
    assert estimated_joint(GIVEN, PROBABILITIES).tolist() == [[2.0, 1.0], [0.0, 2.0]]
    assert label_errors(GIVEN, PROBABILITIES).tolist() == [False, False, True, False, False]
    assert margins(GIVEN, PROBABILITIES) == pytest.approx([0.8, 0.6, -0.8, 0.4, 0.8])


def test_of_several_labels_that_reach_their_threshold_the_most_probable_counts():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7]])
    # The thresholds are 0.4, 0.3 and 0.7.
    assert confident_joint(np.array([0, 1, 2]), probabilities).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_planted_errors_are_found_and_a_label_without_rows_is_no_trouble():
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600)
    probabilities = random.dirichlet([0.3] * 4, 600)
    probabilities[np.arange(600), truth] += 4
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    wrong = np.zeros(600, bool)
    wrong[:60] = True
    given = np.where(wrong, (truth + 1) % 3, truth)
    assert np.array_equal(label_errors(given, probabilities), wrong)
    assert estimated_joint(given, probabilities)[3].sum() == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(2, 6))
def test_the_joint_keeps_the_rows_of_each_label(seed, rows, labels):
    random = np.random.default_rng(seed)
    given, probabilities = random.integers(0, labels, rows), random.dirichlet(np.ones(labels), rows)
    joint = estimated_joint(given, probabilities)
    assert joint.sum(axis=1) == pytest.approx(np.bincount(given, minlength=labels))
    found = label_errors(given, probabilities)
    assert not np.any(found & (probabilities.argmax(axis=1) == given))

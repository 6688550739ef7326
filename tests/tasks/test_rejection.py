"""Accuracy by coverage: held to all orders of equal rows and to scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from kerasbert.tasks.rejection import accuracy_by_coverage, rejection_metrics


def test_it_is_the_accuracy_of_the_most_confident_rows():
    rng = np.random.default_rng(0)
    sure, right = rng.permutation(50) / 50, rng.uniform(size=50) < 0.7
    order = np.argsort(-sure)
    expected = [accuracy_score(np.ones(n), right[order[:n]]) for n in range(1, 51)]
    np.testing.assert_allclose(accuracy_by_coverage(sure, right), expected)


def test_among_equal_rows_it_is_the_mean_of_all_orders():
    sure, right = np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array([True, True, False, False, True])
    orders = [(0, *middle, 4) for middle in itertools.permutations((1, 2, 3))]
    expected = np.mean([right[list(order)].cumsum() / np.arange(1, 6) for order in orders], axis=0)
    np.testing.assert_allclose(accuracy_by_coverage(sure, right), expected)


def test_aurc_is_zero_without_errors_and_lower_the_better_the_order():
    sure = np.linspace(0, 1, 10)
    errors_last, errors_first = sure > 0.35, sure < 0.65
    assert rejection_metrics(sure, np.ones(10, bool)) == {"aurc": 0}
    # Four errors after six right rows: (1/7 + 2/8 + 3/9 + 4/10) / 10.
    found = rejection_metrics(sure, errors_last)["aurc"]
    assert found == pytest.approx((1 / 7 + 2 / 8 + 3 / 9 + 4 / 10) / 10)
    assert found < rejection_metrics(sure, errors_first)["aurc"]


def test_the_accuracies_of_what_is_accepted_and_of_the_rest():
    right, accepted = np.array([1, 1, 0, 0, 1], bool), np.array([1, 1, 1, 1, 0], bool)
    metrics = rejection_metrics(np.full(5, 0.5), right, accepted)
    assert metrics["coverage"] == 0.8
    assert metrics["accepted_accuracy"] == 0.5
    assert metrics["rejected_accuracy"] == 1.0


@pytest.mark.parametrize(("all_of_them", "nothing"), [(True, "rejected"), (False, "accepted")])
def test_of_no_rows_there_is_no_accuracy(all_of_them: bool, nothing: str):
    metrics = rejection_metrics(np.ones(3), np.ones(3, bool), np.full(3, all_of_them))
    assert metrics[f"{nothing}_accuracy"] is None
    assert metrics["coverage"] == all_of_them

"""The threshold below which answers are rejected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from kerasbert.training.rejection import choose_rejection, lower_bound

rows = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.7, 0.71, 1.0]), st.booleans()), min_size=1)


def draw(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated confidences."""
    rng = np.random.default_rng(seed)
    sure = rng.beta(6, 1.2, size=count).astype(np.float32)
    return sure, rng.uniform(size=count) < sure


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (3, 5), (5, 5), (97, 100), (2990, 3000)])
def test_the_bound_is_that_of_clopper_and_pearson(hits: int, count: int):
    exact = binomtest(hits, count, alternative="greater").proportion_ci(0.95, method="exact")
    assert lower_bound(hits, count, 0.05) == pytest.approx(exact.low)


@settings(deadline=None, max_examples=200)
@given(rows, st.sampled_from([0.1, 0.5, 0.9, 0.99]))
def test_what_is_said_is_what_the_threshold_does(rows: list, wanted: float):
    sure = np.array([confidence for confidence, _ in rows], np.float32)
    right = np.array([is_right for _, is_right in rows])
    chosen = choose_rejection(sure, right, wanted)
    accepted = sure >= np.float32(chosen.threshold)
    assert accepted.any()
    assert chosen.coverage == pytest.approx(accepted.mean())
    assert chosen.accuracy == pytest.approx(right[accepted].mean())
    assert chosen.bound <= chosen.accuracy


def test_all_rows_are_accepted_where_that_is_good_enough():
    chosen = choose_rejection(*draw(2000), wanted=0.5)
    assert chosen.coverage == 1
    assert chosen.threshold == 0


def test_more_is_wanted_less_is_accepted():
    coverages = [choose_rejection(*draw(5000), wanted).coverage for wanted in (0.8, 0.9, 0.95)]
    assert 1 >= coverages[0] > coverages[1] > coverages[2] > 0.05


@pytest.mark.process
@pytest.mark.parametrize(("count", "wanted"), [(100, 0.8), (1000, 0.9)])
def test_the_wanted_accuracy_is_kept_on_other_rows(count: int, wanted: float):
    """In at least 95 of 100 trainings: here the confidences are known to be the true probabilities."""
    others, _ = draw(100_000, seed=999)
    failed = reached = 0
    for seed in range(300):
        chosen = choose_rejection(*draw(count, seed), wanted)
        if chosen.bound >= wanted:
            reached += 1
            failed += others[others >= chosen.threshold].mean() < wanted
    assert reached > 150
    assert failed <= 0.05 * 300


def test_few_lucky_rows_are_not_believed():
    """Ten right answers do not show an accuracy of 99 %: the highest bound there is decides."""
    sure, right = np.linspace(0.5, 0.9, 10, dtype=np.float32), np.ones(10, bool)
    chosen = choose_rejection(sure, right, wanted=0.99)
    assert chosen.bound < 0.99
    assert chosen.coverage == 1


@pytest.mark.parametrize("noise", [-1e-6, 1e-6])
def test_rounding_moves_no_row_across(noise: float):
    sure, right = draw(500)
    chosen = choose_rejection(sure, right, wanted=0.9)
    moved = sure + np.float32(noise) >= np.float32(chosen.threshold)
    assert 0 < chosen.coverage < 1
    np.testing.assert_array_equal(moved, sure >= np.float32(chosen.threshold))

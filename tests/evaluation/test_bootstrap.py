"""Intervals, held to scikit-learn, SciPy and simulated data."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from kerasbert.evaluation.bootstrap import (
    Units,
    exact_interval,
    intervals,
    metrics_of,
    resampled_totals,
    tally,
    units_of,
)
from kerasbert.evaluation.intervals import few_groups, metric_intervals
from kerasbert.tasks.metrics import score_decisions

LABELS = ("a", "b", "c")
cells = st.lists(st.tuples(*[st.lists(st.booleans(), min_size=3, max_size=3)] * 2), min_size=1, max_size=40)


def made(rows: int, labels: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, labels, rows)
    decided = np.where(random.random(rows) < right, truth, random.integers(0, labels, rows))
    return np.eye(labels)[truth], np.eye(labels)[decided]


@settings(max_examples=60, deadline=None)
@given(cells)
def test_metrics_from_counts_are_those_from_rows(rows):
    targets, decided = (np.array(column, float) for column in zip(*rows, strict=True))
    expected = score_decisions(targets, decided, LABELS)
    found = metrics_of(units_of(targets, [decided]).totals)
    assert found[:3] == pytest.approx([expected[name] for name in ("accuracy", "macro_f1", "micro_f1")])
    for place, name in enumerate(("precision", "recall", "f1")):
        of_labels = [expected["per_class"][label][name] for label in LABELS]
        assert found[3 + 3 * place : 6 + 3 * place] == pytest.approx(of_labels)


@settings(max_examples=30, deadline=None)
@given(cells, st.integers(0, 5))
def test_groups_and_equal_rows_keep_the_totals(rows, size):
    targets, decided = (np.array(column, float) for column in zip(*rows, strict=True))
    totals = tally(targets, decided).sum(0)
    groups = [str(place // (size + 1)) for place in range(len(rows))]
    assert units_of(targets, [decided]).totals == pytest.approx(totals)
    assert units_of(targets, [decided], groups).totals == pytest.approx(totals)


def test_every_resample_has_the_rows_of_each_label():
    targets, decided = made(200, 3, 0.7)
    totals = resampled_totals(units_of(targets, [decided]))
    assert np.all(totals[:, -3:] == targets.sum(0))
    assert totals[:, 1].std() > 0


def test_rows_of_several_labels_are_drawn_from_all():
    targets = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]] * 20, float)
    totals = resampled_totals(units_of(targets, [targets]))
    assert np.all(totals[:, 0] == 60)
    assert totals[:, -1].std() > 0


def test_rows_of_a_group_are_drawn_together():
    targets, decided = made(90, 3, 0.7)
    totals = resampled_totals(units_of(targets, [decided], [str(place // 3) for place in range(90)]))
    of_groups = tally(targets, decided).reshape(30, 3, -1).sum(1)
    assert np.all(totals[:, 0] == 90)
    assert totals.std(0) == pytest.approx(of_groups.std(0) * np.sqrt(30), rel=0.1, abs=1e-9)


def test_the_intervals_are_scipys():
    right = np.random.default_rng(3).random(300) < 0.93
    expected = bootstrap(
        (right.astype(float),), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(4)
    ).confidence_interval
    counts = np.array([(~right).sum(), right.sum()])
    units = Units(np.array([[1.0, 0], [1, 1]]), counts, np.zeros(2, int), right.astype(int))
    low, high = intervals(units, lambda totals: totals[..., 1:] / totals[..., :1], resamples=20_000)
    assert (low[0], high[0]) == pytest.approx(tuple(expected), abs=0.0035)  # one row of 300


@pytest.mark.process
def test_intervals_of_95_percent_hold_the_truth_in_95_percent_of_samples():
    """Three labels of unlike difficulty; the metrics are accuracy, macro F1 and the F1 of each."""
    random = np.random.default_rng(5)
    sizes, chances = (300, 150, 50), np.array([[0.9, 0.06, 0.04], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])
    truth, decided = np.repeat(np.eye(3), 3, 0), np.tile(np.eye(3), (3, 1))
    tallies, wanted = tally(truth, decided), [0, 1, 9, 10, 11]
    expected = metrics_of((np.array(sizes)[:, None] * chances).ravel() @ tallies)[wanted]
    held = np.zeros(len(wanted))
    for seed in range(1000):
        counts = np.concatenate([random.multinomial(*row) for row in zip(sizes, chances, strict=True)])
        seen = counts > 0
        index = np.repeat(np.arange(seen.sum()), counts[seen])
        units = Units(tallies[seen], counts[seen], truth[seen].argmax(1), index)
        low, high = intervals(units, lambda totals: metrics_of(totals)[..., wanted], seed)
        held += (low <= expected) & (expected <= high)
    assert held[:2] / 1000 == pytest.approx(0.95, abs=0.015)
    assert held / 1000 == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (3, 7), (181, 263)])
def test_the_exact_interval_is_scipys(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(method="exact")
    assert exact_interval(successes, trials) == pytest.approx((expected.low, expected.high))


def test_nothing_measured_is_anything():
    assert exact_interval(0, 0) == (0, 1)


def test_a_model_without_mistakes_is_not_certain():
    targets = np.eye(3)[[0] * 4 + [1] * 3]
    found = metric_intervals(targets, targets, LABELS)
    assert found["accuracy"] == pytest.approx([0.025 ** (1 / 7) * 1.0, 1.0], abs=2e-3)
    assert found["per_class"]["b"]["recall"] == pytest.approx(exact_interval(3, 3), abs=1e-6)
    assert found["per_class"]["c"] == {name: [0.0, 1.0] for name in ("precision", "recall", "f1")}


def test_the_metrics_lie_in_their_intervals():
    targets, decided = made(300, 3, 0.6)
    metrics, found = score_decisions(targets, decided, LABELS), metric_intervals(targets, decided, LABELS)
    for name in ("accuracy", "macro_f1", "micro_f1"):
        assert found[name][0] < metrics[name] < found[name][1]
    for label, of in found["per_class"].items():
        for name, (low, high) in of.items():
            assert low < metrics["per_class"][label][name] < high


def test_rows_that_are_not_independent_have_wider_intervals():
    targets, decided = (np.repeat(of, 10, 0) for of in made(60, 3, 0.7))
    alone = metric_intervals(targets, decided, LABELS)
    together = metric_intervals(targets, decided, LABELS, [str(place // 10) for place in range(600)])
    width = {name: found["accuracy"][1] - found["accuracy"][0] for name, found in
             (("alone", alone), ("together", together))}  # fmt: skip
    assert width["together"] > 2.5 * width["alone"]
    assert (alone["groups"], together["groups"]) == (None, 60)
    assert few_groups(together["groups"]) == []


def test_few_groups_are_told_of_and_one_says_nothing():
    targets, decided = made(30, 3, 0.7)
    found = metric_intervals(targets, decided, LABELS, ["same"] * 30)
    assert found["accuracy"][1] - found["accuracy"][0] > 0.9
    assert "1 group(s)" in few_groups(found["groups"])[0]


def test_the_seed_decides():
    targets, decided = made(100, 3, 0.7)
    first, again = (metric_intervals(targets, decided, LABELS) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("labels", [2, 10, 119])
def test_ten_thousand_rows_take_seconds_at_most(labels):
    targets, decided = made(10_000, labels, 0.8)
    start = time.process_time()
    metric_intervals(targets, decided, [str(label) for label in range(labels)])
    assert time.process_time() - start < 5

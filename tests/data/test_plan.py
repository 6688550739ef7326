import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.data.plan import ABSENT, FILLER, Plan


@settings(deadline=None, max_examples=80)
@given(
    lengths=st.lists(st.integers(0, 50), min_size=1, max_size=300),
    batch_size=st.integers(1, 40),
    seed=st.integers(0, 2**31),
    epoch=st.integers(0, 99),
)
def test_an_epoch_holds_every_row_once(lengths: list[int], batch_size: int, seed: int, epoch: int):
    plan = Plan(np.array(lengths), batch_size, seed).epoch(epoch)
    assert plan.dtype == np.int32
    assert plan.shape == (-(-len(lengths) // batch_size), batch_size)
    assert sorted(plan[plan != FILLER]) == list(range(len(lengths)))
    assert ((plan == FILLER).any(axis=1)).sum() <= 1
    assert ((plan != FILLER).any(axis=1)).all()
    np.testing.assert_array_equal(plan, Plan(np.array(lengths), batch_size, seed).epoch(epoch))


def test_epochs_and_seeds_differ():
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    plans = [
        Plan(lengths, 16, seed).epoch(epoch).tolist() for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    assert all(a != b for i, a in enumerate(plans) for b in plans[:i])


def test_rows_of_a_batch_are_of_like_length():
    lengths = np.random.default_rng(0).integers(1, 128, 4000)
    plan = Plan(lengths, 16).epoch(0)
    spread = np.ptp(lengths[plan], axis=1)
    assert spread.mean() < 5
    shuffled = np.random.default_rng(1).permutation(4000).reshape(-1, 16)
    assert np.ptp(lengths[shuffled], axis=1).mean() > 80


def test_batches_do_not_come_in_the_order_of_their_lengths():
    lengths = np.random.default_rng(0).integers(1, 128, 4000)
    means = lengths[Plan(lengths, 16).epoch(0)].mean(axis=1)
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3


def test_which_rows_meet_in_a_batch_changes_with_the_epoch():
    lengths = np.full(400, 10)
    together = [{frozenset(batch) for batch in Plan(lengths, 4).epoch(epoch).tolist()} for epoch in (0, 1)]
    assert len(together[0] & together[1]) < 5


@settings(deadline=None, max_examples=80)
@given(
    lengths=st.lists(st.integers(2, 64), min_size=1, max_size=300),
    batch_size=st.integers(1, 40),
    budget=st.integers(0, 400),
    divisor=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_a_token_budget_holds(lengths: list[int], batch_size: int, budget: int, divisor: int, seed: int):
    batch_size, budget = batch_size * divisor, budget + 64
    plan = Plan(np.array(lengths), batch_size, seed, budget, divisor)
    epochs = [plan.epoch(number) for number in range(3)]
    for epoch in epochs:
        assert epoch.shape == (plan.steps, batch_size), "every epoch has as many steps"
        assert sorted(epoch[epoch >= 0]) == list(range(len(lengths)))
        for batch in epoch:
            rows, places = batch[batch >= 0], batch[batch != ABSENT]
            assert len(places) == -(-len(rows) // divisor) * divisor
            assert len(rows) * (-(-max(lengths[row] for row in rows) // 8) * 8) <= budget
            assert (batch[len(rows) : len(places)] == FILLER).all()
            assert (batch[len(places) :] == ABSENT).all(), "what is missing is missing at the end"
    alone = Plan(np.array(lengths), batch_size, seed, budget).epoch(2)
    np.testing.assert_array_equal(np.maximum(alone, FILLER), np.maximum(epochs[2], FILLER))


def test_a_token_budget_is_used():
    lengths = np.random.default_rng(0).integers(2, 128, 4000)
    plan = Plan(lengths, 256, 0, 2048).epoch(0)
    used = [(batch != ABSENT).sum() * lengths[batch[batch >= 0]].max() for batch in plan]
    assert np.mean(used) > 0.85 * 2048


def test_which_rows_of_a_length_meet_under_a_token_budget_changes_with_the_epoch():
    plan = Plan(np.full(400, 10), 64, 0, 64)
    together = [{frozenset(batch[batch >= 0]) for batch in plan.epoch(epoch)} for epoch in (0, 1)]
    assert len(together[0] & together[1]) < 5


def test_drawn_rows_follow_their_weights():
    weights = np.repeat([4.0, 1.0], [200, 800])  # a rare and a frequent label, made equally likely
    drawn = Plan(np.full(1000, 10), 10, 0, weights=weights).epoch(0)
    assert drawn.shape == (100, 10)
    assert (drawn < 200).mean() == pytest.approx(0.5, abs=0.06)
    assert not np.array_equal(drawn, Plan(np.full(1000, 10), 10, 0, weights=weights).epoch(1))

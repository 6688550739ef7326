"""What rows and seeds add to the variance, held to SciPy and to simulation."""

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind, ttest_rel
from sklearn.metrics import accuracy_score, f1_score

from kerasbert.evaluation.variance import estimate, pseudo_values


def scores(random, models, rows, row_effects, seeds, noise):
    """Scores [models, rows] of one recipe, with standard deviations of the seeds and of what is left."""
    return row_effects + seeds * random.normal(size=(models, 1)) + noise * random.normal(size=(models, rows))


def test_where_only_seeds_vary_it_is_welchs_test():
    random = np.random.default_rng(0)
    for models in ((2, 2), (3, 5), (10, 4)):
        means = [random.normal(size=count) for count in models]
        found = estimate(
            *(sign * np.tile(of[:, None], 5000) for of, sign in zip(means, (-1, 1), strict=True))
        )
        expected = ttest_ind(means[1], means[0], equal_var=False)
        assert found.p() == pytest.approx(expected.pvalue, rel=1e-3)
        assert found.df == pytest.approx(expected.df, rel=1e-3)
        assert found.interval() == pytest.approx(tuple(expected.confidence_interval()), rel=1e-3)
        assert (found.rows, found.rest) == pytest.approx((0, 0), abs=1e-7)


def test_where_seeds_are_alike_it_is_the_paired_test():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 4000))
    expected = ttest_rel(b, a)
    for models in (1, 4):
        found = estimate(-np.tile(a, (models, 1)), np.tile(b, (models, 1)))
        assert found.interval() == pytest.approx(tuple(expected.confidence_interval()), rel=1e-3)
        assert found.df == pytest.approx(expected.df, rel=1e-3)
        assert (found.seeds, found.rest) == pytest.approx((0, 0), abs=1e-12)


def test_the_parts_are_those_that_were_put_in():
    random, models, rows = np.random.default_rng(7), (3, 4), 400
    parts = []
    for _ in range(1500):
        apart = random.normal(size=rows)  # of the rows, between A and B
        sides = [
            sign * scores(random, count, rows, effect, 0.2, 1.5)
            for count, sign, effect in zip(models, (-1, 1), (0, apart), strict=True)
        ]
        of = estimate(*sides)
        parts.append((of.rows, of.seeds, of.rest))
    share = 1 / 3 + 1 / 4
    expected = np.array([1 / rows + 1 / rows**2, 0.04 * share, 2.25 * share / rows])
    assert np.mean(parts, 0) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("models", "seeds", "least", "most"),
    [
        # Where seeds hardly vary, few of them make the interval wider than need be.
        ((2, 2), 0.0, 0.95, 0.995),
        ((2, 2), 0.1, 0.935, 0.98),
        ((3, 3), 0.1, 0.935, 0.97),
        ((5, 5), 0.1, 0.935, 0.97),
        ((5, 5), 0.02, 0.935, 0.975),
        ((2, 5), 0.05, 0.92, 0.97),
        ((1, 5), 0.05, 0.92, 0.965),
    ],
)
def test_the_interval_holds_the_difference_in_95_percent_of_samples(models, seeds, least, most):
    """Rows that are right or wrong: a probit model of rows, seeds and both."""
    random, rows, held = np.random.default_rng(3), 300, []
    for _ in range(1200):
        base, sides, means = random.normal(1.3, 1, rows), [], []
        for count, better in zip(models, (0, 0.2), strict=True):
            effects = seeds * random.normal(size=(count, 1))
            latent = base + better + 0.3 * random.normal(size=rows) + effects
            sides.append((latent + 0.3 * random.normal(size=(count, rows)) > 0).astype(float))
            # One model is taken for itself; several are seeds of a recipe.
            known, spread = (effects[0, 0], 0) if count == 1 else (0, seeds)
            means.append(norm.cdf((1.3 + better + known) / np.sqrt(1.18 + spread**2)))
        low, high = estimate(-sides[0], sides[1]).interval()
        held.append(low <= means[1] - means[0] <= high)
    assert least <= np.mean(held) <= most


def test_equivalence_is_falsely_found_in_at_most_5_percent_of_samples():
    random, margin, found = np.random.default_rng(4), 0.03, []
    for _ in range(1500):
        difference = margin + 0.01 * (random.normal(size=(4, 1)) - random.normal(size=(4, 1)))
        a = (random.random((1, 800)) < 0.9).astype(float)  # the same rows for all
        sides = np.repeat(a, 4, 0), np.maximum(np.repeat(a, 4, 0), random.random((4, 800)) < 10 * difference)
        found.append(estimate(-sides[0], sides[1]).equivalence(margin) < 0.05)
    assert 0.001 < np.mean(found) <= 0.065


def test_rows_that_are_all_alike_prove_as_much_as_their_number():
    same = np.ones([3, 200])
    of = estimate(-same, same)
    assert of.p() == 1
    assert of.interval() == pytest.approx((-1.972 / 200, 1.972 / 200), abs=1e-4)
    assert of.equivalence(0.01) > 0.05 > of.equivalence(0.02)
    one = estimate(-same[:, :1], same[:, :1])
    assert one.interval()[1] > 1


def test_pseudo_values_are_the_metric_on_average_and_of_accuracy_the_rows_that_are_right():
    random = np.random.default_rng(5)
    truth, decided = random.integers(0, 3, (2, 60))
    targets, given = np.eye(3)[truth], np.eye(3)[decided]
    accuracy, macro, micro = pseudo_values(targets, given)
    assert accuracy == pytest.approx((truth == decided).astype(float))
    assert macro.mean() == pytest.approx(f1_score(truth, decided, average="macro"))
    without = f1_score(np.delete(truth, 7), np.delete(decided, 7), average="macro")
    others = [f1_score(np.delete(truth, i), np.delete(decided, i), average="macro") for i in range(60)]
    assert macro[7] - macro.mean() == pytest.approx(59 * (np.mean(others) - without))
    assert micro == pytest.approx(accuracy)
    groups = [str(i % 6) for i in range(60)]
    of_groups = pseudo_values(targets, given, groups)
    assert of_groups.shape == (3, 6)
    assert of_groups[0].mean() == pytest.approx(accuracy_score(truth, decided))


def test_the_interval_of_macro_f1_holds_it_in_95_percent_of_samples():
    random, chances = (
        np.random.default_rng(6),
        np.array([[0.9, 0.06, 0.04], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]),
    )
    shares, rows, held = np.array([0.5, 0.3, 0.2]), 300, []
    joint = shares[:, None] * chances
    expected = np.mean(2 * np.diag(joint) / (joint.sum(0) + joint.sum(1)))
    for _ in range(800):
        truth = random.choice(3, rows, p=shares)
        both = random.random(rows)  # as a row is hard for all seeds
        draws = np.where(random.random((3, rows)) < 0.7, both, random.random((3, rows)))
        decided = (draws[..., None] > chances.cumsum(1)[truth]).sum(-1)
        values = np.stack([pseudo_values(np.eye(3)[truth], np.eye(3)[of])[1] for of in decided])
        low, high = estimate(values).interval()
        held.append(low <= expected <= high)
    assert np.mean(held) == pytest.approx(0.955, abs=0.02)

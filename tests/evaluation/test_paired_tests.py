"""Tests of two models on the same rows, held to SciPy and to published examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from kerasbert.evaluation.paired_tests import (
    Discordant,
    equivalence,
    equivalence_of_groups,
    mcnemar,
    sign_flips,
)

# Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), chapter 8.
AIRWAYS = Discordant(21, 1, 7)
MYELOMA = Discordant(161, 6, 16)


def test_mcnemar_gives_the_published_values():
    assert mcnemar(AIRWAYS) == pytest.approx(0.070313, abs=1e-6)
    assert mcnemar(MYELOMA) == pytest.approx(0.052479, abs=1e-6)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(only_a, only_b):
    found = mcnemar(Discordant(1000, only_a, only_b))
    both = only_a + only_b
    assert found == pytest.approx(binomtest(only_a, both).pvalue if both else 1.0)


def test_equivalence_is_rejected_just_within_the_published_interval():
    """Tango's 95 % interval of this difference is published as 0.0054 to 0.1240."""
    assert equivalence(MYELOMA, 0.12404) == pytest.approx(0.025, abs=2e-4)
    assert equivalence(MYELOMA, 0.0054) > 0.97


def test_equivalence_of_identical_decisions_follows_from_the_number_of_rows():
    """Without discordant rows the score statistic is sqrt(n * margin / (1 - margin))."""
    for rows, margin in ((44, 0.1), (1000, 0.01)):
        expected = norm.sf(np.sqrt(rows * margin / (1 - margin)))
        assert equivalence(Discordant(rows, 0, 0), margin) == pytest.approx(expected)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.001, 0.3))
def test_equivalence_treats_both_models_alike(only_a, only_b, margin):
    found = equivalence(Discordant(100, only_a, only_b), margin)
    assert found == pytest.approx(equivalence(Discordant(100, only_b, only_a), margin))
    assert 0 <= found <= 1


def test_equivalence_is_falsely_found_in_5_percent_of_samples():
    random = np.random.default_rng(0)
    margin, only_b = 0.03, 0.05
    draws = random.multinomial(1000, [only_b - margin, only_b, 1 - 2 * only_b + margin], 4000)
    found = [equivalence(Discordant(1000, a, b), margin) < 0.05 for a, b, _ in draws]
    assert np.mean(found) == pytest.approx(0.05, abs=0.015)


def test_groups_of_one_row_give_mcnemars_test():
    for only_a, only_b in ((1, 7), (6, 16), (20, 22)):
        differences = np.array([-1] * only_a + [1] * only_b + [0] * 30)
        expected = mcnemar(Discordant(100, only_a, only_b))
        assert sign_flips(differences) == pytest.approx(expected, abs=0.015)
    assert sign_flips(np.zeros(5)) == 1


def test_groups_of_one_row_give_the_wald_test_of_equivalence():
    differences = np.array([-1] * 60 + [1] * 70 + [0] * 9870)
    found = equivalence_of_groups(differences, 10_000, 0.002)
    assert found == pytest.approx(equivalence(Discordant(10_000, 60, 70), 0.002), abs=0.01)
    assert 0.1 < found < 0.3
    assert equivalence_of_groups(np.zeros(50), 500, 0.1) == equivalence(Discordant(50, 0, 0), 0.1)
    assert equivalence_of_groups(np.array([0.0]), 500, 0.1) == 1


def test_copies_of_rows_are_no_evidence():
    differences = np.array([-1] * 3 + [1] * 9)
    copied = 50 * differences
    assert mcnemar(Discordant(1200, 150, 450)) < 1e-9
    assert sign_flips(copied) == sign_flips(differences) > 0.1
    assert equivalence_of_groups(copied, 5000, 0.05) > 0.1

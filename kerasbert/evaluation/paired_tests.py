"""Tests of whether two models that answered the same rows are equally accurate."""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, ndtr

_FLIPS = 10_000
_CELLS = 4_000_000  # of the signs drawn at a time


@dataclass(frozen=True)
class Discordant:
    """How many rows only one of two models got right.

    Attributes:
        rows: number of all rows.
        only_a: rows that only A got right.
        only_b: rows that only B got right.
    """

    rows: int
    only_a: int
    only_b: int


def mcnemar(counts: Discordant) -> float:
    """Returns the p-value of McNemar's exact test, two-sided: 1 where no row was right for one model only.

    Reference:
        McNemar, "Note on the sampling error of the difference between correlated proportions or
        percentages", Psychometrika 12 (1947); the binomial distribution in place of chi-squared.
    """
    fewer, both = min(counts.only_a, counts.only_b), counts.only_a + counts.only_b
    return min(1.0, 2 * float(bdtr(fewer, both, 0.5))) if both else 1.0


def equivalence(counts: Discordant, margin: float) -> float:
    """Returns the p-value of the hypothesis that the accuracies differ by `margin` or more.

    Two one-sided score tests (TOST): where p is below 0.05, the accuracies are equivalent within the margin.

    Args:
        counts: of the rows.
        margin: difference of accuracy, between 0 and 1.

    Reference:
        Tango, "Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design", Statistics in Medicine 17 (1998).
    """
    better, worse = counts.only_b, counts.only_a
    return max(_not_below(better, worse, counts.rows, margin), _not_below(worse, better, counts.rows, margin))


def sign_flips(differences: np.ndarray, seed: int = 0) -> float:
    """Returns the two-sided p-value of McNemar's test where rows of one group depend on each other.

    A and B are exchanged in random groups, 10,000 times: with one row per group, McNemar's exact test up to
    the randomness.

    Args:
        differences: the rows of each group that only B got right less those that only A did, [groups].
        seed: of the exchanges.
    """
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    random = np.random.default_rng(seed)
    observed, reached = abs(differences.sum()), 0
    part = max(1, _CELLS // len(differences))
    for start in range(0, _FLIPS, part):
        size = min(part, _FLIPS - start)
        signs = random.integers(0, 2, (size, len(differences)), dtype=np.int8) * 2 - 1
        reached += int(np.sum(np.abs(signs @ differences) >= observed - 1e-9))
    return (1 + reached) / (1 + _FLIPS)


def equivalence_of_groups(differences: np.ndarray, rows: int, margin: float) -> float:
    """Returns the p-value of `equivalence` where rows of one group depend on each other.

    Two one-sided Wald tests with the variance between groups.

    Args:
        differences: see `sign_flips`.
        rows: number of all rows.
        margin: difference of accuracy, between 0 and 1.
    """
    groups = len(differences)
    if groups < 2:
        return 1.0
    difference = differences.sum() / rows
    error = np.sqrt(groups * differences.var(ddof=1)) / rows
    if error == 0:  # no row was right for one model only
        return equivalence(Discordant(groups, 0, 0), margin)
    return float(ndtr(max(difference - margin, -difference - margin) / error))


def _not_below(better: int, worse: int, rows: int, margin: float) -> float:
    """Returns the one-sided p-value of the hypothesis that (better - worse) / rows <= -margin."""
    # The maximum likelihood estimate of the share of `better` under the hypothesis (Tango 1998, eq. 10).
    linear = -better - worse + (2 * rows - worse + better) * margin
    constant = -better * margin * (1 - margin)
    share = (np.sqrt(linear**2 - 8 * rows * constant) - linear) / (4 * rows)
    variance = rows * (2 * share + margin * (1 - margin))
    return float(ndtr(-(better - worse + rows * margin) / np.sqrt(variance)))

"""The mean of several models on the same rows: what the rows, and what the seeds, add to its variance.

Models of several seeds that answered the same rows are readers that read the same cases: rows and seeds are
crossed random effects, and both are samples. The mean squares of the two-way layout give the parts of the
variance, and the degrees of freedom of a t interval.

References:
    Dorfman, Berbaum and Metz, "Receiver operating characteristic rating analysis", Investigative Radiology
    27 (1992); Hillis, "A comparison of denominator degrees of freedom methods for multiple observer ROC
    analysis", Statistics in Medicine 26 (2007); Bouthillier et al., "Accounting for variance in machine
    learning benchmarks", MLSys (2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from kerasbert.evaluation.bootstrap import CONFIDENCE, metrics_of, units_of


@dataclass(frozen=True)
class Estimate:
    """A mean over models and rows, or a difference of two such means.

    Attributes:
        value: the estimate.
        units: number of rows, or of groups of rows.
        rows: the part of its variance that comes from the rows.
        seeds: the part that comes from the seeds.
        rest: the part that comes from both together: which rows a seed gets wrong.
        df: the degrees of freedom of the variance.
    """

    value: float
    units: int
    rows: float
    seeds: float
    rest: float
    df: float

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.rows + self.seeds + self.rest))

    def interval(self) -> tuple[float, float]:
        """Returns the ends of the 95 % t interval."""
        half = self.error * float(stdtrit(self.df, (1 + CONFIDENCE) / 2))
        return self.value - half, self.value + half

    def p(self) -> float:
        """Returns the two-sided p-value of the hypothesis that it is 0."""
        return float(2 * stdtr(self.df, -abs(self.value) / self.error))

    def equivalence(self, margin: float) -> float:
        """Returns the p-value of the hypothesis that it is `margin` or more away from 0, by two t tests.

        If it were, at least that share of rows would differ, and so the rows have at least its variance.
        """
        rows = max(self.rows + self.rest, margin * (1 - margin) / self.units)
        return float(stdtr(self.df, (abs(self.value) - margin) / np.sqrt(rows + self.seeds)))


def estimate(*sides: np.ndarray) -> Estimate:
    """Returns the sum of the means of `sides`: for a difference B - A, give -A and B.

    Args:
        sides: what each model of a side scores in each row, float64 [models, rows], the same rows for all.
            A side of one model is taken for that model, not for one of many seeds.
    """
    values = np.sum([of.mean(0) for of in sides], axis=0)
    units = len(values)
    # As if one more row had differed (Agresti and Min 2005): rows that are alike so far prove little.
    rows = ((values - values.mean()) ** 2).sum() / max(units - 1, 1) / units + 1 / units**2
    seeds = rest = 0.0
    spread = rows**2 / max(units - 1, 1)
    for of in sides:
        models = len(of)
        if models == 1:
            continue
        means = of.mean(1)
        between = means.var(ddof=1) / models
        apart = ((of - means[:, None] - of.mean(0) + means.mean()) ** 2).sum()
        within = apart / (models - 1) / max(units - 1, 1) / models / units
        seeds, rest = seeds + between - within, rest + within
        spread += (between**2 + within**2 / max(units - 1, 1)) / (models - 1)
    seeds, rest = max(seeds, 0.0), min(rest, rows)
    total = rows + seeds  # `rows` has `rest` in it
    df = max(total**2 / spread, 1.0)
    return Estimate(float(values.mean()), units, float(rows - rest), float(seeds), float(rest), float(df))


def pseudo_values(
    targets: np.ndarray, decided: np.ndarray, groups: Sequence[str] | None = None
) -> np.ndarray:
    """Returns what each row adds to the metrics of a model, by leaving it out: the jackknife.

    Of accuracy that is 1 in a row that is right and 0 in another.

    Args:
        targets: true labels, [rows, labels] of zeros and ones.
        decided: predicted labels, likewise.
        groups: the group of each row: whole groups are left out. None: rows are.

    Returns:
        For accuracy, macro F1 and micro F1, float64 [3, rows] or [3, groups]; the mean is the metric.
    """
    units = units_of(targets, [decided], groups)
    number = len(units.index)
    left = metrics_of(units.totals - units.tallies)[units.index, :3]
    return (metrics_of(units.totals)[:3] + (number - 1) * (left.mean(0) - left)).T

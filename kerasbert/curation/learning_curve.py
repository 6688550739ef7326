"""What more labels would bring, from the learning curve of naive Bayes on the labels that there are.

A curve of the model itself would take many trainings, and its encoder has seen all of these labels. Different
classifiers make different numbers of errors, but get rid of similar shares of them with more rows: the share
that naive Bayes would get rid of is taken of the errors of the model.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kerasbert import progress
from kerasbert.data import Row, Rows, normalized, sort_labels
from kerasbert.errors import UserError
from kerasbert.evaluation.baseline import baseline_hits
from kerasbert.language import tr

LEAST_ROWS = 200
FARTHEST = 3  # times the rows that there are
_MOST_ROWS = 10_000  # that naive Bayes is tried on
_REPEATS, _SIZES, _HELD_OUT = 10, 5, 0.2
_DRAWS = 200  # of the bootstrap
_WORST_FIT = 0.1  # root mean square of the residuals, as a share of the errors


@dataclass(frozen=True)
class LearningCurve:
    """How often naive Bayes is wrong on rows that it has not seen, by the number of rows it has.

    Attributes:
        sizes: the numbers of rows, int [sizes].
        wrong: on which of the rows held out it was wrong, bool [repeats, sizes, rows].
        held_out: the rows that it was asked about, bool [repeats, rows].
    """

    sizes: np.ndarray
    wrong: np.ndarray
    held_out: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """The share of wrong decisions, float [sizes]."""
        repeats, rows = self.held_out.shape
        return self._errors(np.ones([1, repeats]), np.ones([1, rows]))[0]

    def resampled(self, draws: int, generator: np.random.Generator) -> np.ndarray:
        """Returns `errors` of bootstrap samples of repeats and of rows, float [draws, sizes]."""
        weights = [generator.multinomial(of, np.full(of, 1 / of), draws) for of in self.held_out.shape]
        return self._errors(*weights)

    def _errors(self, repeats: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the shares for weights of repeats and rows, [draws, repeats] and [draws, rows]."""
        wrong = np.einsum("dr,rsd->ds", repeats, self.wrong.astype(np.float32) @ rows.T)
        asked = np.einsum("dr,rd->d", repeats, self.held_out.astype(np.float32) @ rows.T)
        # A half, where there is no error: the logarithm of 0 fits no line.
        return np.maximum(wrong, 0.5) / asked[:, None]


@dataclass(frozen=True)
class ExpectedGain:
    """The accuracy that more labels would bring.

    Attributes:
        more: labels, of rows drawn at random.
        rows: that the model was trained on.
        gain: in accuracy, such as 0.012.
        low: of a 95 % interval.
        high: of a 95 % interval.
    """

    more: int
    rows: int
    gain: float
    low: float
    high: float


def learning_curve(rows: Iterable[Row], seed: int = 0) -> LearningCurve:
    """Trains naive Bayes on nested parts of rows, ten times, and tries it on a fifth that is held out.

    Args:
        rows: labelled; of equal texts the last counts.
        seed: the same seed divides the rows alike.

    Raises:
        UserError: there are too few rows, or they have one label only.
    """
    distinct = list({normalized(row): row for row in _sample(rows, seed)}.values())
    labels = sort_labels({label for row in distinct for label in row.labels})
    if len(distinct) < LEAST_ROWS or len(labels) < 2:
        raise UserError(
            tr(
                "{texts:,} different text(s) with {labels} label(s) are too few: {least} with two labels are "
                "needed",
                texts=len(distinct),
                labels=len(labels),
                least=LEAST_ROWS,
            )
        )
    generator = np.random.default_rng(seed)
    most = round(len(distinct) * (1 - _HELD_OUT))
    sizes = np.geomspace(most / 8, most, _SIZES).round().astype(int)
    orders = [_stratified([row.labels for row in distinct], generator) for _ in range(_REPEATS)]
    wrong = np.zeros([_REPEATS, _SIZES, len(distinct)], bool)
    held_out = np.zeros([_REPEATS, len(distinct)], bool)
    parts = [(order[:size], order[most:]) for order in orders for size in sizes]
    hits = baseline_hits(Rows(distinct), labels, parts)
    for place, right in enumerate(progress.track(hits, "learning curve", len(parts))):
        repeat, size = divmod(place, _SIZES)
        wrong[repeat, size, orders[repeat][most:]] = ~right
        held_out[repeat, orders[repeat][most:]] = True
    return LearningCurve(sizes, wrong, held_out)


def expected_gain(
    curve: LearningCurve, accuracy: float, tried: int, rows: int, more: int, seed: int = 0
) -> ExpectedGain:
    """Returns what `more` labels would bring to a model.

    Errors fall as a power of the rows (Hestness et al. 2017, arXiv:1712.00409): a line in logarithms. A
    floor that they approach was no better in the benchmark, since few rows do not show it. The interval is
    of lines through bootstrap samples of rows and repeats, and of the rows that `accuracy` is from.

    Args:
        curve: of naive Bayes.
        accuracy: of the model, on rows that it was not trained on.
        tried: the number of these rows.
        rows: that the model was trained on.
        more: labels, of rows drawn at random.
        seed: of the bootstrap.

    Raises:
        UserError: naive Bayes has learned nothing, no line fits, or so many labels are too far away.
    """
    most = (FARTHEST - 1) * rows
    if more > most:
        raise UserError(
            tr(
                "{rows:,} row(s) do not tell what {more:,} more bring, only {most:,} or fewer",
                rows=rows,
                more=more,
                most=most,
            )
        )
    generator = np.random.default_rng(seed)
    (exponent,), misfit = _exponents(curve.sizes, curve.errors[None])
    if misfit > _WORST_FIT:
        raise UserError(tr("the errors of naive Bayes do not fall as a power of the rows"))
    exponents, _ = _exponents(curve.sizes, curve.resampled(_DRAWS, generator))
    if np.quantile(exponents, 0.025) <= 0:
        raise UserError(tr("naive Bayes does not get better with more of these rows"))
    errors = generator.beta(tried * (1 - accuracy) + 0.5, tried * accuracy + 0.5, _DRAWS)
    growth = 1 + more / rows
    low, high = np.quantile(errors * (1 - growth**-exponents), [0.025, 0.975])
    gain = (1 - accuracy) * (1 - growth**-exponent)
    return ExpectedGain(more, rows, float(gain), float(low), float(high))


def _sample(rows: Iterable[Row], seed: int) -> list[Row]:
    """Returns all rows, or some of very many, each equally likely (reservoir sampling)."""
    draw = random.Random(seed)
    kept: list[Row] = []
    for number, row in enumerate(rows, 1):
        if number <= _MOST_ROWS:
            kept.append(row)
        elif (place := draw.randrange(number)) < _MOST_ROWS:
            kept[place] = row
    return kept


def _exponents(sizes: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns the exponent c of the power law `b n^-c` nearest to each curve, float [curves], and the misfit.

    Larger sizes weigh more: they are nearer to what is asked.

    Args:
        sizes: numbers of rows, int [sizes].
        errors: float [curves, sizes].
    """
    weights = sizes / sizes.sum()
    x, y = np.log(sizes), np.log(errors)
    x, y = x - weights @ x, y - (y @ weights)[:, None]
    slopes = (y * x) @ weights / (weights @ x**2)
    misfit = np.sqrt((y - slopes[:, None] * x) ** 2 @ weights).max()
    return -slopes, float(misfit)


def _stratified(labels: Sequence[tuple[str, ...]], generator: np.random.Generator) -> np.ndarray:
    """Returns a random order of rows, int [rows], whose beginnings have about the same shares of labels."""
    places = np.empty(len(labels))
    rows_of = defaultdict[tuple[str, ...], list[int]](list)
    for row, of in enumerate(labels):
        rows_of[of].append(row)
    for rows in rows_of.values():
        places[rows] = (generator.permutation(len(rows)) + generator.random(len(rows))) / len(rows)
    return np.argsort(places)

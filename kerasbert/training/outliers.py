"""Fits the detector of texts unlike those of the training."""

import random
from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls
from sklearn.covariance import LedoitWolf

from kerasbert import progress
from kerasbert.data import Row, Rows
from kerasbert.models import TextClassifier
from kerasbert.predictors.predict import in_batches, stack_answers
from kerasbert.predictors.trained import TrainedModel

_MOST_ROWS = 20_000  # of the training; more would not change the second digit
_FLOOR = 1e-6  # of variances and distances: texts that are all the same have none


def fit_outliers(classifier: TextClassifier, train: Rows, validation: Rows) -> np.ndarray | None:
    """Fits `classifier.outliers`, so that a wanted share of the validation rows is farther than 1.

    Args:
        classifier: with trained weights and `decision.reject_outliers`.
        train: rows that it was trained on.
        validation: other rows.

    Returns:
        The distances of the validation rows, float32 [rows]; None if outliers are not rejected.
    """
    share = classifier.decision.reject_outliers
    if classifier.outliers is None or share is None:
        return None
    rows = train.rows
    if len(rows) > _MOST_ROWS:
        rows = random.Random(0).sample(rows, _MOST_ROWS)
    with progress.phase("learning which texts are outliers"):
        mean, whitening, squares = fit_distances(*_means(classifier, rows))
        classifier.outliers.set(mean, whitening, squares)
        others = _means(classifier, validation.rows)
        limit = float(np.quantile(classifier.outliers(*others), 1 - share, method="higher"))
        # A little more, so that rounding rejects no row.
        limit = max(limit, _FLOOR) * (1 + 1e-4)
        classifier.outliers.set(mean, whitening, squares * limit**2)
        return classifier.outliers(*others).numpy()


def fit_distances(means: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what `OutlierDetector.set` takes, so that a usual distance of these texts is 1.

    The covariance is that of Ledoit & Wolf 2004, which is never singular.

    Args:
        means: of the embeddings, float32 [rows, hidden].
        tokens: number of tokens, int32 [rows].
    """
    fitted = LedoitWolf().fit(means.astype(float))
    covariance = fitted.covariance_ + _FLOOR * np.eye(means.shape[1])
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    squares = np.sum(((means - fitted.location_) @ whitening) ** 2, axis=1)
    return fitted.location_, whitening, squares_by_length(squares, tokens)


def squares_by_length(squares: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Returns a and b, not negative, with which a + b / tokens is nearest to `squares`, float [2].

    The mean of n tokens varies with the text and, the less the more they are, with the choice of words. Each
    row is weighted by the inverse of what is expected of it, once an unweighted fit has said what that is.
    """
    terms = np.stack([np.ones(len(tokens)), 1 / tokens], axis=1)
    expected = nnls(terms, squares)[0]
    weights = 1 / np.maximum(terms @ expected, _FLOOR)
    return np.maximum(nnls(terms * weights[:, None], squares * weights)[0], _FLOOR)


def _means(classifier: TextClassifier, rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean embeddings and lengths of `rows`; see `mean_embeddings`."""

    def ask(texts: Sequence[str], pairs: Sequence[str] | None) -> dict[str, np.ndarray]:
        return dict(zip(("mean", "tokens"), classifier.mean_embeddings(texts, pairs), strict=True))

    found = stack_answers(in_batches(ask, rows, size=TrainedModel.batch_size))
    return found["mean"], found["tokens"]

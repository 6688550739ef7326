"""Fits the detector of texts unlike those of the training."""

import random
from collections.abc import Sequence

import numpy as np
from sklearn.covariance import LedoitWolf

from kerasbert import progress
from kerasbert.data import Row, Rows
from kerasbert.models import TextClassifier
from kerasbert.predictors.predict import in_batches
from kerasbert.predictors.trained import TrainedModel

_MOST_ROWS = 20_000  # of the training; more would not change the second digit
_FLOOR = 1e-6  # of variances and distances: texts that are all the same have none


def fit_outliers(classifier: TextClassifier, train: Rows, validation: Rows) -> np.ndarray | None:
    """Fits `classifier.outliers`, so that a wanted share of the validation rows is farther than 1.

    The covariance is that of Ledoit & Wolf 2004, which is never singular.

    Args:
        classifier: with trained weights and `decision.reject_outliers`.
        train: rows that it was trained on.
        validation: other rows.

    Returns:
        The mean embeddings of the validation rows, float32 [rows, hidden]; None if outliers are not rejected.
    """
    share = classifier.decision.reject_outliers
    if classifier.outliers is None or share is None:
        return None
    rows = train.rows
    if len(rows) > _MOST_ROWS:
        rows = random.Random(0).sample(rows, _MOST_ROWS)
    with progress.phase("learning which texts are outliers"):
        known, others = (_means(classifier, some) for some in (rows, validation.rows))
        fitted = LedoitWolf().fit(known.astype(float))
        covariance = fitted.covariance_ + _FLOOR * np.eye(known.shape[1])
        whitening = np.linalg.cholesky(np.linalg.inv(covariance))
        distances = np.linalg.norm((others - fitted.location_) @ whitening, axis=1)
        limit = max(float(np.quantile(distances, 1 - share, method="higher")), _FLOOR)
    # A little more, so that rounding rejects no row.
    classifier.outliers.set(fitted.location_, whitening / (limit * (1 + 1e-4)))
    return others


def _means(classifier: TextClassifier, rows: Sequence[Row]) -> np.ndarray:
    """Returns the mean embeddings of `rows`, float32 [rows, hidden]."""

    def ask(texts: Sequence[str], pairs: Sequence[str] | None) -> dict[str, np.ndarray]:
        return {"mean": classifier.mean_embeddings(texts, pairs)}

    answered = in_batches(ask, rows, size=TrainedModel.batch_size)
    return np.stack([answer["mean"] for _, answer in answered])

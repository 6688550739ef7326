"""The baseline: naive Bayes over characters and pairs of characters."""

import warnings

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from kerasbert.data import Rows


def baseline_decisions(train: Rows, rows: Rows, labels: tuple[str, ...]) -> np.ndarray | None:
    """Returns what naive Bayes, trained on `train`, decides on `rows`: float32 [rows, labels].

    A BERT that does not beat it has not earned its cost.
    """
    pipeline = _fit(train, labels)
    if pipeline is None:
        return None
    decided = pipeline.predict(_texts(rows))
    return decided.astype(np.float32) if decided.ndim > 1 else np.eye(len(labels), dtype=np.float32)[decided]


def baseline_probabilities(train: Rows, rows: Rows, labels: tuple[str, ...]) -> np.ndarray | None:
    """Returns the probabilities that naive Bayes, trained on `train`, gives: float32 [rows, labels]."""
    pipeline = _fit(train, labels)
    if pipeline is None:
        return None
    found = np.zeros([len(rows), len(labels)], np.float32)
    found[:, pipeline.classes_] = pipeline.predict_proba(_texts(rows))
    return found


def _fit(train: Rows, labels: tuple[str, ...]) -> Pipeline | None:
    """Returns naive Bayes over strings, None if no text has a character; its classes are places of labels."""
    # On reviews, messages and headlines presence with little smoothing did better than counts.
    bayes = MultinomialNB(alpha=0.1)
    several = any(len(row) != 1 for row in train.labels)
    counts = CountVectorizer(analyzer="char", ngram_range=(1, 2), binary=True)
    pipeline = make_pipeline(counts, OneVsRestClassifier(bayes) if several else bayes)
    index = {label: i for i, label in enumerate(labels)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Label .* is present in all")
        try:
            return pipeline.fit(_texts(train), _truth(train, index, several))
        except ValueError:  # texts without a character
            return None


def _texts(rows: Rows) -> list[str]:
    if rows.pairs is None:
        return rows.texts
    return [f"{text}\n{pair}" for text, pair in zip(rows.texts, rows.pairs, strict=True)]


def _truth(rows: Rows, index: dict[str, int], several: bool) -> np.ndarray:
    if not several:
        return np.array([index[row[0]] for row in rows.labels])
    truth = np.zeros((len(rows), len(index)), int)
    for place, labels in enumerate(rows.labels):
        truth[place, [index[label] for label in labels]] = 1
    return truth

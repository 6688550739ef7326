"""The baseline: naive Bayes over characters and pairs of characters."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from kerasbert.data import Rows
from kerasbert.data.labels import label_matrix

Part = tuple[np.ndarray, np.ndarray]


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


def baseline_hits(rows: Rows, labels: tuple[str, ...], parts: Iterable[Part]) -> Iterator[np.ndarray]:
    """Yields, for each part, on which of its held-out rows naive Bayes decides rightly: bool [held out].

    Characters are counted once, in all rows.

    Args:
        rows: of all parts.
        labels: of the rows.
        parts: pairs of the places of the rows to train on and of those held out.

    Raises:
        ValueError: no text has a character.
    """
    several = _several(rows)
    counts, truth = _counter().fit_transform(_texts(rows)), _truth(rows, labels, several)
    for train, held_out in parts:
        with _quiet():
            decided = _classifier(several).fit(counts[train], truth[train]).predict(counts[held_out])
        same = decided == truth[held_out]
        yield same.all(axis=1) if several else same


def _fit(train: Rows, labels: tuple[str, ...]) -> Pipeline | None:
    """Returns naive Bayes over strings, None if no text has a character; its classes are places of labels."""
    several = _several(train)
    pipeline = make_pipeline(_counter(), _classifier(several))
    with _quiet():
        try:
            return pipeline.fit(_texts(train), _truth(train, labels, several))
        except ValueError:  # texts without a character
            return None


def _counter() -> CountVectorizer:
    # On reviews, messages and headlines presence with little smoothing did better than counts.
    return CountVectorizer(analyzer="char", ngram_range=(1, 2), binary=True)


def _classifier(several: bool) -> MultinomialNB | OneVsRestClassifier:
    bayes = MultinomialNB(alpha=0.1)
    return OneVsRestClassifier(bayes) if several else bayes


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Label .* is present in all")
        yield


def _several(rows: Rows) -> bool:
    return any(len(row) != 1 for row in rows.labels)


def _texts(rows: Rows) -> list[str]:
    if rows.pairs is None:
        return rows.texts
    return [f"{text}\n{pair}" for text, pair in zip(rows.texts, rows.pairs, strict=True)]


def _truth(rows: Rows, labels: tuple[str, ...], several: bool) -> np.ndarray:
    matrix = label_matrix(rows.labels, labels)
    return matrix.astype(int) if several else matrix.argmax(axis=1)

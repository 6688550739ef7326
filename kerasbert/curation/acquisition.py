"""Which of several texts to label next: those that a model doubts, unlike one another."""

import numpy as np


def doubt(probabilities: np.ndarray, several: bool = False) -> np.ndarray:
    """Returns how close a model is to another decision, from 0 (sure) to 1: float [rows].

    With one label a row, 1 less the margin between the two most probable labels (Scheffer et al. 2001).
    With several, of the label that is closest to one half.

    Args:
        probabilities: float [rows, labels].
        several: whether a row may have several labels.
    """
    if several:
        return 1 - 2 * np.abs(probabilities - 0.5).min(axis=1)
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return 1 - (first - second)


def badge(
    probabilities: np.ndarray, vectors: np.ndarray, count: int, seed: int, several: bool = False
) -> np.ndarray:
    """Draws texts by BADGE (Ash et al. 2020, arXiv:1906.03671): doubted, and unlike one another.

    The gradient of the last layer for the label that the model would give is the product of `p - y` and
    the vector of the text. It is long where the model doubts. k-means++ draws far ones.

    Args:
        probabilities: of the model, float [rows, labels].
        vectors: of the texts, float [rows, size].
        count: how many to draw, at most `rows`.
        seed: the same seed draws the same texts.
        several: whether a row may have several labels.

    Returns:
        The indices in the order of drawing, int64 [count].
    """
    random = np.random.default_rng(seed)
    rows = np.arange(len(probabilities))
    given = probabilities >= 0.5 if several else np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    errors, vectors = (probabilities - given).astype(np.float64), vectors.astype(np.float64)
    lengths = np.square(errors).sum(axis=1) * np.square(vectors).sum(axis=1)
    chosen = np.zeros(len(rows), bool)
    order: list[int] = []
    nearest = lengths
    for _ in range(count):
        if not order:
            place = int(lengths.argmax())
        else:
            weights = np.where(chosen, 0, np.maximum(nearest, 0))
            # Where all that remain equal a chosen one, any of them.
            weights = weights if weights.sum() > 0 else (~chosen).astype(np.float64)
            place = int(random.choice(rows, p=weights / weights.sum()))
        order.append(place)
        chosen[place] = True
        # The squared distance of two products, without making them.
        products = (errors @ errors[place]) * (vectors @ vectors[place])
        distances = lengths + lengths[place] - 2 * products
        nearest = distances if len(order) == 1 else np.minimum(nearest, distances)
    return np.array(order, np.int64)

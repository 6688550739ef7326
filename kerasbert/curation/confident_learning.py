"""Confident learning: which labels are probably wrong (Northcutt et al. 2021, arXiv:1911.00068).

`given` are the labels of the rows as places, int [rows]; `probabilities` are those of models that had not
seen the row, float [rows, labels].
"""

import numpy as np


def thresholds(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns how sure models are of each label on average, on the rows that have it: float64 [labels].

    Equation 2. Infinite for labels that no row has.
    """
    labels = probabilities.shape[1]
    sums = np.bincount(given, probabilities[np.arange(len(given)), given], labels)
    counts = np.bincount(given, minlength=labels)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def confident_joint(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns how many rows with one label are confidently of another: int64 [labels, labels].

    Equation 1: a row counts for the most probable of the labels that reach their threshold, and for none
    if no label does.
    """
    labels = probabilities.shape[1]
    reached = probabilities >= thresholds(given, probabilities) - 1e-6
    guess = np.where(reached, probabilities, -1).argmax(axis=1)
    sure = reached.any(axis=1)
    pairs = np.bincount(given[sure] * labels + guess[sure], minlength=labels**2)
    return pairs.reshape(labels, labels)


def estimated_joint(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the estimated number of rows of each given and true label: float64 [labels, labels].

    Equation 3, times the rows: the confident joint, scaled so that row `i` sums up to the rows with label
    `i`.
    """
    joint = confident_joint(given, probabilities).astype(np.float64)
    # A label that no row confidently has is taken to be right at least once.
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    counts = np.bincount(given, minlength=len(joint))
    return joint * (counts / joint.sum(axis=1))[:, None]


def label_errors(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns which rows probably have a wrong label: bool [rows].

    Pruning by noise rate (section 4.3): of the rows with label `i`, as many as the joint estimates to be of
    `j`, those with the largest margin for `j`. A row whose own label is the most probable stays.
    """
    numbers = _rounded(estimated_joint(given, probabilities))
    found = np.zeros(len(given), bool)
    for i in range(len(numbers)):
        rows = np.flatnonzero(given == i)
        others = probabilities[rows] - probabilities[rows, i, None]
        for j in np.flatnonzero(numbers[i]):
            if i != j:
                most = min(int(numbers[i, j]), len(rows))
                found[rows[np.argsort(-others[:, j], kind="stable")[:most]]] = True
    return found & (margins(given, probabilities) < 0)


def _rounded(joint: np.ndarray) -> np.ndarray:
    """Rounds to whole numbers with the same sums of rows, by the largest remainders."""
    numbers = np.floor(joint).astype(int)
    remainders = joint - numbers
    for row, missing in enumerate(np.rint(remainders.sum(axis=1)).astype(int)):
        numbers[row, np.argsort(-remainders[row], kind="stable")[:missing]] += 1
    return numbers


def margins(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns how much more probable each row's label is than the most probable other one: float [rows]."""
    rows = np.arange(len(given))
    others = probabilities.copy()
    others[rows, given] = -np.inf
    return probabilities[rows, given] - others.max(axis=1)

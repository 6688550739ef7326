"""Temperature scaling: the temperature is fitted on the validation rows."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, logsumexp, softmax

_TEMPERATURES = np.exp(np.linspace(-np.log(8), np.log(8), 61))
_AS_IT_IS = len(_TEMPERATURES) // 2  # a temperature of 1
_FOLDS = 5
_FEWEST_ROWS = 2 * _FOLDS
_MOST_ROWS = 20_000  # more would not change the second digit


@dataclass(frozen=True)
class Fit:
    """A temperature fitted on validation rows.

    Attributes:
        temperature: 1 where no other is known to be better.
        best: the one that was fitted.
        loss: negative log-likelihood of a row without it, in nats; with several labels the mean of a label.
        cross_validated: the same with a temperature fitted on other rows.
    """

    temperature: float
    best: float
    loss: float
    cross_validated: float


def fit_temperature(logits: np.ndarray, targets: np.ndarray, several: bool) -> Fit | None:
    """Fits the temperature with the lowest negative log-likelihood (Guo et al. 2017).

    As in the rule of succession, one right and one wrong decision are added to those of the rows: a hundred
    rows without an error do not make the model infallible. The temperature is used only if it lowers the
    loss in cross-validation.

    Args:
        logits: float32 [rows, labels].
        targets: float32 [rows, labels] of zeros and ones.
        several: whether a row may have several labels.

    Returns:
        None for fewer than ten rows.
    """
    order = np.random.default_rng(0).permutation(len(logits))[:_MOST_ROWS]
    if len(order) < _FEWEST_ROWS:
        return None
    logits, targets = logits[order].astype(float), targets[order].astype(float)
    losses, added = map(
        np.stack, zip(*(_losses(logits / t, targets, several) for t in _TEMPERATURES), strict=True)
    )
    fold = np.arange(len(logits)) % _FOLDS
    held_out = np.empty(len(logits))
    for number in range(_FOLDS):
        rest = fold != number
        chosen = np.argmin(losses[:, rest].sum(axis=1) + added[:, rest].mean(axis=1))
        held_out[~rest] = losses[chosen, ~rest]

    def total(log_temperature: float) -> float:
        row, more = _losses(logits / np.exp(log_temperature), targets, several)
        return float(row.sum() + more.mean())

    near = int(np.argmin(losses.sum(axis=1) + added.mean(axis=1)))
    bounds = _TEMPERATURES[max(near - 1, 0)], _TEMPERATURES[min(near + 1, len(_TEMPERATURES) - 1)]
    best = float(np.exp(minimize_scalar(total, bounds=np.log(bounds), method="bounded").x))
    before, after = float(losses[_AS_IT_IS].mean()), float(held_out.mean())
    return Fit(round(best, 4) if after < before else 1.0, best, before, after)


def _losses(logits: np.ndarray, targets: np.ndarray, several: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the loss of each row, and that of one right and one wrong decision with its confidence."""
    if several:
        rows = -(targets * log_expit(logits) + (1 - targets) * log_expit(-logits)).mean(axis=1)
        size = np.abs(logits)
        return rows, -(log_expit(size) + log_expit(-size)).mean(axis=1) / logits.shape[1]
    rows = -(targets * log_softmax(logits, axis=1)).sum(axis=1)
    ordered = np.sort(logits, axis=1)
    highest, others = ordered[:, -1], logsumexp(ordered[:, :-1], axis=1)
    return rows, -(log_expit(highest - others) + log_expit(others - highest))


def probabilities_of(logits: np.ndarray, several: bool) -> np.ndarray:
    """Returns what `fit_temperature` takes for the probabilities of `logits`."""
    return expit(logits) if several else softmax(logits, axis=1)

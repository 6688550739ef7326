"""The temperature that is fitted, and when it is used."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import log_loss

from kerasbert.training.temperature import fit_temperature


def draw(
    rows: int, temperature: float, labels: int = 4, seed: int = 0, margin: float = 3.0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits that a temperature would calibrate, and the truth of a row."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, labels))
    logits[np.arange(rows), rng.integers(0, labels, rows)] += margin
    cumulative = softmax(logits, axis=1).cumsum(axis=1)
    truth = (rng.uniform(size=(rows, 1)) < cumulative).argmax(axis=1)
    return (logits * temperature).astype(np.float32), np.eye(labels, dtype=np.float32)[truth]


def draw_several(rows: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(rows, 5)) * 2 - 1
    targets = rng.uniform(size=logits.shape) < expit(logits)
    return (logits * temperature).astype(np.float32), targets.astype(np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.5, 3.0])
def test_the_temperature_of_many_rows_is_found(temperature: float):
    assert fit_temperature(*draw(5000, temperature), False).temperature == pytest.approx(
        temperature, rel=0.06
    )
    several = fit_temperature(*draw_several(5000, temperature), True)
    assert several.temperature == pytest.approx(temperature, rel=0.06)


def test_it_has_the_lowest_loss():
    logits, targets = draw(3000, 2.0)
    fit = fit_temperature(logits, targets, False)

    def loss(temperature: float) -> float:
        return log_loss(targets.argmax(axis=1), softmax(logits.astype(float) / temperature, axis=1))

    assert fit.loss == pytest.approx(loss(1.0))
    assert loss(fit.temperature) <= min(map(loss, np.linspace(1.5, 2.5, 101))) + 1e-5
    assert fit.temperature < fit.best * 1.01
    assert fit.cross_validated == pytest.approx(loss(fit.temperature), abs=1e-3)


def test_rows_without_an_error_do_not_make_a_model_infallible():
    """The rule of succession: of 48 right decisions, the next is right with 49 / 50."""
    logits, targets = np.tile([[2.0, 0.0]], (48, 1)), np.tile([[1.0, 0.0]], (48, 1))
    fit = fit_temperature(logits, targets, False)
    assert softmax(logits[0] / fit.temperature)[0] == pytest.approx(49 / 50, abs=1e-4)


def test_what_other_rows_do_not_confirm_is_not_used():
    kept = [fit_temperature(*draw(40, 1.0, labels=2, seed=seed), False) for seed in range(60)]
    assert all((fit.temperature != 1) == (fit.cross_validated < fit.loss) for fit in kept)
    assert sum(fit.temperature == 1 for fit in kept) > 40
    assert all(fit.best != 1 for fit in kept)


def test_few_rows_fit_nothing():
    assert fit_temperature(*draw(9, 2.0), False) is None
    assert fit_temperature(*draw(10, 2.0), False) is not None


def test_far_logits_stay_finite():
    logits, targets = draw(60, 200.0)
    fit = fit_temperature(logits, targets, False)
    assert 7.5 < fit.temperature <= 8
    assert np.isfinite([fit.loss, fit.cross_validated]).all()


def test_the_order_of_the_rows_does_not_matter_much_and_repeats_are_equal():
    logits, targets = draw(300, 2.0)
    order = targets.argmax(axis=1).argsort()
    one, other = (fit_temperature(logits[o], targets[o], False) for o in (slice(None), order))
    assert one == fit_temperature(logits, targets, False)
    assert one.best == pytest.approx(other.best, rel=1e-3)

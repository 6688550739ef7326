import pytest

from kerasbert.config import Config, TrainingConfig
from kerasbert.engine.best import Best
from kerasbert.training.monitor import monitor_of


def follow(values: list[float], **settings) -> tuple[Best, list[int], int]:
    """Feeds a figure an epoch; returns the best, the epochs that were so, and the last epoch."""
    config = TrainingConfig(**{"monitor": "macro_f1", **settings})
    best, improved, epoch = Best(), [], 0
    for epoch, value in enumerate(values, 1):
        if best.update(epoch, {"loss": 1.0, config.monitor: value}, config):
            improved.append(epoch)
        if best.is_over(epoch, config):
            break
    return best, improved, epoch


@pytest.mark.parametrize(
    ("figures", "best"),
    [([0.2, 0.9, 0.5], 2), ([0.1, 0.2, 0.3], 3), ([0.3, 0.2, 0.1], 1), ([0.5, 0.5, 0.5], 1), ([0.0], 1)],
)
@pytest.mark.parametrize("monitor", ["accuracy", "macro_f1", "micro_f1"])
def test_the_highest_figure_is_best(figures: list, best: int, monitor: str):
    found, improved, _ = follow(figures, monitor=monitor)
    assert found.epoch == improved[-1] == best


def test_the_lowest_loss_is_best():
    assert follow([0.9, 0.3, 0.6], monitor="loss")[0].epoch == 2


@pytest.mark.parametrize(
    ("figures", "patience", "epochs"),
    [([0.5, 0.4, 0.3, 0.9], 2, 3), ([0.5, 0.4, 0.6, 0.5, 0.5, 0.9], 2, 5), ([0.5, 0.4, 0.6], 1, 2)],
)
def test_training_is_over_when_patience_ends(figures: list, patience: int, epochs: int):
    best, _, last = follow(figures, early_stopping_patience=patience)
    assert last == epochs
    assert best.score == max(figures[:epochs])


def test_without_patience_it_is_never_over():
    assert follow([0.5, 0.4, 0.3, 0.2, 0.1])[2] == 5


def test_no_number_is_never_best():
    assert follow([float("nan"), 0.1, float("nan")])[0].epoch == 2


def test_of_equal_figures_the_lower_loss_is_better_and_renews_patience():
    config, best = TrainingConfig(monitor="macro_f1", early_stopping_patience=2), Best()
    chosen = []
    for epoch, loss in enumerate([0.9, 0.7, 0.7, 0.8, 0.1], 1):
        if best.update(epoch, {"macro_f1": 0.5, "loss": loss}, config):
            chosen.append(epoch)
        if best.is_over(epoch, config):
            break
    assert (chosen, epoch) == ([1, 2], 4)


@pytest.mark.parametrize(
    ("task", "given", "monitor"),
    [
        ("classification", None, "macro_f1"),
        ("multi_label", None, "micro_f1"),
        ("multi_label", "accuracy", "accuracy"),
        ("classification", "loss", "loss"),
    ],
)
def test_f1_chooses_the_weights_unless_the_configuration_says_otherwise(task, given, monitor):
    assert monitor_of(Config(task=task, training={"monitor": given})) == monitor

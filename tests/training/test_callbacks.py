import io
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import TrainingConfig
from kerasbert.errors import KerasBertError
from kerasbert.tasks import Classification
from kerasbert.text import Vocabulary
from kerasbert.training.callbacks import History, KeepBest, ShowProgress


@pytest.fixture
def model() -> keras.Model:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model.compile(optimizer=keras.optimizers.SGD(0.25), loss="mse")
    return model


@pytest.fixture
def keep_best(model: keras.Model, vocabulary: Vocabulary, task: Classification, tmp_path: Path):
    """Returns a function that feeds figures to a `KeepBest`; it returns that and the saved weights' epoch."""

    def feed(figures: list[float], loss: float = 1.0, **settings) -> tuple[KeepBest, int]:
        config = TrainingConfig(**settings)
        run = RunDirectory(tmp_path)
        callback = KeepBest(model, run, vocabulary, task, config)
        callback.set_model(model)
        model.stop_training = False
        for epoch, figure in enumerate(figures):
            for weight in model.weights:
                weight.assign(np.full(weight.shape, epoch + 1))
            callback.on_epoch_end(epoch, {"loss": loss, f"val_{config.monitor}": figure})
            if model.stop_training:
                break
        saved = keras.models.clone_model(model)
        run.load_weights_into(_Holder(saved, vocabulary, task))
        return callback, int(saved.get_weights()[0].flat[0])

    return feed


class _Holder:
    """What `load_weights_into` needs of a classifier."""

    def __init__(self, model: keras.Model, vocabulary: Vocabulary, task: Classification):
        self.model, self.task = model, task
        self.text_graph = type("Graph", (), {"vocabulary": vocabulary})


@pytest.mark.parametrize(
    ("figures", "best"),
    [([0.2, 0.9, 0.5], 2), ([0.1, 0.2, 0.3], 3), ([0.3, 0.2, 0.1], 1), ([0.5, 0.5, 0.5], 1), ([0.0], 1)],
)
@pytest.mark.parametrize("monitor", ["accuracy", "macro_f1"])
def test_the_weights_of_the_highest_figure_are_kept(keep_best, figures: list, best: int, monitor: str):
    callback, saved = keep_best(figures, monitor=monitor)
    assert callback.best_epoch == saved == best


def test_the_weights_of_the_lowest_loss_are_kept(keep_best):
    callback, saved = keep_best([0.9, 0.3, 0.6], monitor="loss")
    assert callback.best_epoch == saved == 2


@pytest.mark.parametrize(
    ("figures", "patience", "epochs"),
    [([0.5, 0.4, 0.3, 0.9], 2, 3), ([0.5, 0.4, 0.6, 0.5, 0.5, 0.9], 2, 5), ([0.5, 0.4, 0.6], 1, 2)],
)
def test_training_stops_when_patience_ends(keep_best, figures: list, patience: int, epochs: int, model):
    callback, _ = keep_best(figures, early_stopping_patience=patience)
    assert model.stop_training
    assert int(model.get_weights()[0].flat[0]) == epochs
    assert callback.best_epoch == int(np.argmax(figures[:epochs])) + 1


def test_without_patience_nothing_stops(keep_best, model):
    keep_best([0.5, 0.4, 0.3, 0.2, 0.1])
    assert not model.stop_training


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training(keep_best, loss: float):
    with pytest.raises(
        KerasBertError, match=r"epoch 1: the loss is (nan|inf)\. Lower training\.learning_rate"
    ):
        keep_best([0.5], loss=loss)


def test_a_validation_loss_that_is_no_number_ends_the_training(keep_best):
    with pytest.raises(KerasBertError, match="epoch 2: the val_loss is nan"):
        keep_best([0.5, float("nan"), 0.4], monitor="loss")


def test_history_has_a_line_for_each_epoch(model: keras.Model, tmp_path: Path):
    history = History(tmp_path / "history.jsonl", rows=80)
    history.set_model(model)
    for epoch in range(3):
        history.on_epoch_begin(epoch)
        history.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1)})
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert [line["loss"] for line in lines] == [1.0, 0.5, 1 / 3]
    assert {line["learning_rate"] for line in lines} == {0.25}
    for line in lines:
        assert line["rows_per_second"] == pytest.approx(80 / line["seconds"])


def test_progress_has_a_line_under_each_head_for_each_epoch():
    console = Console(file=io.StringIO(), width=200)
    show = ShowProgress(console, steps=10, epochs=2)
    figures = {
        "loss": 0.5, "val_loss": 12.25, "val_accuracy": 1.0, "val_macro_f1": 0.25, "learning_rate": 1e-5,
        "rows_per_second": 12345.6, "seconds": 1.23, "best": True,
    }  # fmt: skip
    show.on_train_begin()
    for epoch in range(2):
        show.on_epoch_begin(epoch)
        show.on_train_batch_end(0)
        show.on_epoch_end(epoch, figures)
    heads, one, two = console.file.getvalue().splitlines()
    assert heads.split() == [
        "epoch",
        "loss",
        "val",
        "loss",
        "val",
        "acc",
        "val",
        "F1",
        "rate",
        "rows/s",
        "seconds",
        "best",
    ]
    assert one.split() == ["1", "0.5000", "12.2500", "1.0000", "0.2500", "1.0e-05", "12346", "1.2", "*"]
    assert two.split()[0] == "2"
    assert len(heads) == len(one) == len(two)

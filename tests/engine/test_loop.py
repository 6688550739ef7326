"""What ends a training early, or turns it back."""

import io
import json
import os
import signal

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console
from sklearn.metrics import log_loss

from kerasbert.engine.divergence import DivergedError
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.signals import PreemptedError, Termination
from kerasbert.engine.state import state_files
from kerasbert.engine.trainer import Trainer
from kerasbert.errors import UserError
from kerasbert.training import prepare, train
from kerasbert.training.validation import Validation

from ..support import weights_of

pytestmark = pytest.mark.process

SETTINGS = {"epochs": 3, "batch_size": 12, "checkpoint_every_steps": 2, "warmup_fraction": 0.0}


def rates_of(result) -> list[float]:
    lines = result.run.history.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["learning_rate"] for line in lines]


@pytest.fixture
def spoil(monkeypatch):
    """Returns a function that lets the loss of some steps, counted over rollbacks too, be another."""

    def arrange(loss: float, steps: set[int]) -> None:
        original, count = Trainer.step, iter(range(1, 10_000))

        def step(self, iterator):
            figures = original(self, iterator)
            return {"loss": tf.constant([loss, 1.0])} if next(count) in steps else figures

        monkeypatch.setattr(Trainer, "step", step)

    return arrange


# What a training carries from step to step: averages, stages, places among the rows, chance.
RECIPES = [
    pytest.param(
        {
            "ema_decay": 0.9, "gradual_unfreezing": True, "layer_decay": 0.8, "batch_tokens": 64,
            "token_dropout": 0.2,
        },
        id="an average of thawing weights under a token budget",
    ),
    pytest.param({"r_drop": 1.0, "adversarial_norm": 1.0}, id="two passes, each with an adversarial one"),
    pytest.param({"lora_rank": 2, "sampling": "balanced"}, id="low-rank additions and drawn rows"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_sigterm_saves_the_step_and_the_training_goes_on_from_there(
    tiny_config, tmp_path, monkeypatch, recipe: dict
):
    training = {**SETTINGS, **recipe}
    whole = train(prepare(tiny_config(training=training)))
    settings = {"training": training, "run_dir": str(tmp_path / "ended")}
    moves = []

    def move(self, step):
        moves.append(step)
        if len(moves) == 9:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(ProgressReporter, "move", move)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(
        PreemptedError, match=r"step 9 and saved a checkpoint\. Continue with --resume"
    ) as caught:
        train(prepare(tiny_config(**settings)))
    assert caught.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert state_files(tmp_path / "ended" / "checkpoints")[0].name == "step-000000009.state"
    resumed = train(prepare(tiny_config(**settings)), resume=True)
    for ours, theirs in zip(weights_of(resumed), weights_of(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e4])
def test_a_lost_loss_ends_the_training(tiny_config, spoil, loss: float):
    spoil(loss, {5})
    with pytest.raises(DivergedError, match=r"step 5: the loss .*Lower training\.learning_rate"):
        train(prepare(tiny_config(training=SETTINGS)))


@pytest.mark.slow
def test_a_lost_loss_goes_back_with_half_the_rate(tiny_config, tmp_path, spoil):
    settings = {**SETTINGS, "on_divergence": "rollback"}
    plain = train(prepare(tiny_config(training=settings)))
    spoil(float("nan"), {10})
    console = Console(file=io.StringIO(), width=500)
    turned = train(prepare(tiny_config(training=settings, run_dir=str(tmp_path / "turned"))), console)
    assert "step 10: the loss is nan: back to step 8 with 0.5 of the" in console.file.getvalue()
    first, *later = rates_of(plain)
    assert rates_of(turned) == [first, *(pytest.approx(rate / 2) for rate in later)]


def test_after_three_rollbacks_it_ends(tiny_config, spoil):
    spoil(float("nan"), set(range(5, 100)))
    with pytest.raises(DivergedError):
        train(prepare(tiny_config(training={**SETTINGS, "on_divergence": "rollback"})))


def test_a_directory_in_which_another_training_runs_is_refused(tiny_config, monkeypatch):
    refused = []

    def move(self, step):
        if not refused:
            with pytest.raises(UserError, match=r"is in use by process \d+ on ") as caught:
                train(prepare(tiny_config(training=SETTINGS)), resume=True)
            refused.append(caught.value)

    monkeypatch.setattr(ProgressReporter, "move", move)
    result = train(prepare(tiny_config(training=SETTINGS)))
    assert refused
    assert not (result.run.path / ".lock").exists()


def test_ctrl_c_takes_effect_after_the_step_and_the_second_one_at_once():
    with Termination() as termination:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            termination.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert not termination.requested
    with Termination(interrupts=True) as termination:
        os.kill(os.getpid(), signal.SIGINT)
        termination.check()
        assert termination.requested


def test_of_equal_figures_the_lower_loss_chooses_the_weights_and_renews_patience(tiny_config, monkeypatch):
    chosen, measured = iter([0.9, 0.7, 0.7, 0.8, 0.1]), []
    original = Validation.__call__

    def figures(self) -> dict[str, float]:
        measured.append(original(self)["loss"])
        return {"loss": next(chosen), "accuracy": 0.5, "macro_f1": 0.5, "micro_f1": 0.5}

    monkeypatch.setattr(Validation, "__call__", figures)
    result = train(tiny_config(training={"epochs": 8, "early_stopping_patience": 2}))
    lines = result.run.history.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["best"] for line in lines] == [True, True, False, False]
    assert result.metrics["best_epoch"] == 2
    rows = result.prepared.validation
    answers = result.classifier.predict(rows.texts)["probabilities"].astype(float)
    probabilities = answers / answers.sum(axis=1, keepdims=True)
    loss = log_loss([label for (label,) in rows.labels], probabilities, labels=result.classifier.labels)
    assert loss == pytest.approx(measured[1], rel=1e-4)
    assert loss != pytest.approx(measured[3], rel=1e-3)

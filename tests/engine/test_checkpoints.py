import dataclasses
import io
import json
import shutil

import numpy as np
import pytest
from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.data import Rows
from kerasbert.engine.checkpoints import Checkpoints
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.state import state_files
from kerasbert.errors import CheckpointError, ConfigError, UserError
from kerasbert.training import prepare, train

from ..support import weights_of

pytestmark = pytest.mark.process

SETTINGS = {
    "epochs": 3,
    "batch_size": 12,
    "token_dropout": 0.2,
    "checkpoint_every_steps": 2,
    "early_stopping_patience": 3,
}


class KilledError(Exception):
    """Stands for the end of the process: nothing after it runs."""


@pytest.fixture
def kill_after(monkeypatch):
    """Returns a function that lets training end after so many steps."""

    def arrange(steps):
        seen = []

        def move(self, step):
            seen.append(step)
            if len(seen) == steps:
                raise KilledError

        monkeypatch.setattr(ProgressReporter, "move", move)
        return lambda: monkeypatch.setattr(ProgressReporter, "move", lambda *args: None)

    return arrange


def epochs_of(result):
    return [json.loads(line) for line in result.run.history.read_text().splitlines()]


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_with_the_weights_of_a_whole_one(
    tiny_config, tmp_path, kill_after
):
    whole = train(prepare(tiny_config(training=SETTINGS)))
    killed = tmp_path / "killed"
    settings = {"training": SETTINGS, "run_dir": str(killed)}
    for steps, newest in ((1, 0), (5, 4), (9, 12)):
        revive = kill_after(steps)
        with pytest.raises(KilledError):
            train(prepare(tiny_config(**settings)), resume=killed.exists())
        if steps == 1:  # as one that ended while the model was built
            shutil.rmtree(killed / "checkpoints")
        else:
            assert state_files(killed / "checkpoints")[0].name == f"step-{newest:09d}.state"
    revive()
    resumed = train(prepare(tiny_config(**settings)), resume=True)
    for ours, theirs in zip(weights_of(resumed), weights_of(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name in ("epoch", "loss", "val_loss", "val_accuracy"):
        assert [epoch[name] for epoch in epochs_of(resumed)] == [epoch[name] for epoch in epochs_of(whole)]
    assert resumed.metrics["best_epoch"] == whole.metrics["best_epoch"]


@pytest.mark.slow
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tiny_config, kill_after, monkeypatch):
    revive = kill_after(9)
    with pytest.raises(KilledError):
        train(prepare(tiny_config(training=SETTINGS)))
    revive()
    newest, before = state_files(RunDirectory(tiny_config().run_dir).checkpoints)
    newest.write_bytes(newest.read_bytes()[:2000])
    restored = []
    original = Checkpoints.restore

    def restore(self, variables):
        position, notes = original(self, variables)
        restored.append(position.step)
        return position, notes

    monkeypatch.setattr(Checkpoints, "restore", restore)
    console = Console(file=io.StringIO(), width=500)
    train(prepare(tiny_config(training=SETTINGS)), console, resume=True)
    assert before.name == f"step-{restored[0]:09d}.state"
    assert f"{newest}: damaged" in console.file.getvalue()


def without_a_row(tiny_config):
    """What a training without its first row would be, everything else being equal."""
    prepared = prepare(tiny_config(training=SETTINGS))
    return dataclasses.replace(prepared, train=Rows(prepared.train.rows[1:]))


@pytest.mark.slow
def test_only_an_unfinished_run_of_the_same_settings_and_rows_is_resumed(tiny_config, kill_after, tmp_path):
    revive = kill_after(9)
    with pytest.raises(KilledError):
        train(prepare(tiny_config(training=SETTINGS)))
    revive()
    with pytest.raises(ConfigError, match=r"training\.learning_rate: differs"):
        train(prepare(tiny_config(training={**SETTINGS, "learning_rate": 0.1})), resume=True)
    fewer = without_a_row(tiny_config)
    with pytest.raises(UserError, match="there were 72 training rows and there are 71"):
        train(fewer, resume=True)
    with pytest.raises(CheckpointError, match="not a run directory"):
        train(prepare(tiny_config(training=SETTINGS, run_dir=str(tmp_path / "none"))), resume=True)
    finished = train(prepare(tiny_config(training=SETTINGS)), resume=True)
    assert not finished.run.checkpoints.exists()
    with pytest.raises(UserError, match="finished"):
        train(prepare(tiny_config(training=SETTINGS)), resume=True)

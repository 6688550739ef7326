"""A training that is killed again and again ends with the weights of one that never was."""

import random
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from kerasbert.engine.state import state_files

from ..support import saved_weights

KILLS = 2
SETTINGS = (
    "training.checkpoint_every_steps=1", "training.deterministic=true", "training.epochs=8",
    "training.ema_decay=0.9", "training.batch_size=4",
)  # fmt: skip


def newest(run: Path) -> str:
    return next((path.name for path in state_files(run / "checkpoints")), "")


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_is_as_if_never_killed(process, config_file, tmp_path):
    config, moment = config_file(), random.Random(0)
    overrides = [part for setting in SETTINGS for part in ("--set", setting)]

    def start(name: str, *options: str):
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return process("train", config, "--run-dir", tmp_path / name, *overrides, *options, **nowhere)

    assert start("whole").wait(300) == 0
    killed, options = tmp_path / "killed", ()
    for _ in range(KILLS):
        begun = newest(killed)
        training = start("killed", *options)
        deadline = time.monotonic() + 120
        while newest(killed) == begun and training.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(moment.uniform(0.0, 0.3))
        assert training.poll() is None, "it was to be killed before its end"
        training.kill()
        training.wait()
        options = ("--resume",)
    assert not (killed / "metrics.json").exists()
    assert start("killed", "--resume").wait(300) == 0
    assert not list(killed.rglob(".*")), "half-written files are cleared away"
    whole, resumed = (saved_weights(path / "model.weights.h5") for path in (tmp_path / "whole", killed))
    assert whole.keys() == resumed.keys()
    for name, weight in whole.items():
        np.testing.assert_array_equal(resumed[name], weight, err_msg=name)
    histories = [(path / "history.jsonl").read_text().splitlines() for path in (tmp_path / "whole", killed)]
    assert len(histories[0]) == len(histories[1]) == 8

"""Ctrl-C in a process of its own: acknowledged at once, 130, and a word on what is kept."""

import re
import signal
import subprocess
import time

import click
import pytest

from kerasbert.cli.lazy import LazyGroup
from kerasbert.interrupts import kept

pytestmark = pytest.mark.process


def test_the_innermost_says_what_is_kept():
    with pytest.raises(KeyboardInterrupt, match="inner"), kept("outer"), kept("inner"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="other"), kept("outer"):
        raise ValueError("other")


@pytest.mark.parametrize(("said", "shown"), [([], "nothing was written"), (["x is whole"], "x is whole")])
def test_ctrl_c_is_no_error_of_click(kerasbert, monkeypatch, said, shown):
    @click.command()
    def interrupted():
        raise KeyboardInterrupt(*said)

    monkeypatch.setattr(LazyGroup, "get_command", lambda self, context, name: interrupted)
    result = kerasbert("doctor")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert result.stderr == f"Interrupted: {shown}.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("export", ["models"]),
        ("predict", ["--input", "-", "--output", "answers.jsonl"]),
        ("embed", ["--input", "-", "--output", "vectors.npy"]),
    ],
)
def test_ctrl_c_at_the_first_line_leaves_no_half(process, trained, tmp_path, command, arguments):
    # Its standard input stays open: `predict` and `embed` wait for lines.
    running = process(command, trained.run.path, *arguments, cwd=tmp_path, stdin=subprocess.PIPE, bufsize=0)
    first = running.stderr.readline().decode()
    sent = time.monotonic()
    running.send_signal(signal.SIGINT)
    second = running.stderr.readline().decode()
    while second and "Stopping" not in second and "Interrupted" not in second:
        second = running.stderr.readline().decode()
    acknowledged = time.monotonic() - sent
    out, err = running.communicate(timeout=200)
    shown = first + second + err.decode()
    assert running.returncode == 130, shown
    assert acknowledged < 10, "at once, on a slow machine too"
    assert re.search(r"^Interrupted: .+\.$", shown, re.MULTILINE), shown
    assert not re.search("Aborted|Traceback|Error", shown)
    assert out == b""
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == []

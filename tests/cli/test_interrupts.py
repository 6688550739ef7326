"""Ctrl-C in a process of its own: acknowledged at once, 130, and a word on what is kept."""

import click
import pytest

from kerasbert.cli.lazy import LazyGroup
from kerasbert.interrupts import kept


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

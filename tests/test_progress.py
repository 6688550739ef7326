import io
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from kerasbert import progress


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def soon(monkeypatch):
    """What a user waits seconds for comes at once."""
    for name in ("_BAR_AFTER", "_LINE_AFTER", "_LINE_EVERY", "_REFRESH"):
        monkeypatch.setattr(progress, name, 0.001)


@pytest.fixture(params=[False, True], ids=["file", "terminal"])
def screen(request, soon):
    return Console(file=io.StringIO(), force_terminal=request.param, width=80, color_system=None)


def test_a_silent_phase_is_seen(screen):
    with progress.shown(screen), progress.phase("loading"):
        wait_for(lambda: "loading" in screen.file.getvalue())


def test_units_rate_and_time_left_are_seen(screen):
    with progress.shown(screen), progress.phase("epoch 1/3", 400, "steps") as phase:
        phase.move(100)  # a resumed epoch: these took no time
        time.sleep(0.05)
        phase.advance(100)
        wait_for(lambda: "200 of 400 steps, " in screen.file.getvalue())
        wait_for(lambda: "/s, 0:00:0" in screen.file.getvalue() and " left" in screen.file.getvalue())


def test_nothing_is_wider_than_a_terminal(soon):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with progress.shown(screen), progress.phase("epoch 10/10", 1_234_567) as phase:
        phase.move(1)
        phase.move(1_234_000)
        wait_for(lambda: "left" in screen.file.getvalue())
    shown = screen.file.getvalue().replace("\x1b[2K", "\r").replace("\x1b[?25l", "").split("\r")
    assert max(map(len, shown)) <= 80
    assert "1,234,000 of 1,234,567 steps" in "".join(shown)


def test_without_a_terminal_the_innermost_phase_has_lines(soon):
    screen = Console(file=io.StringIO(), width=80)
    with progress.shown(screen), progress.phase("outer"):
        for number in progress.track(range(3), "inner", 3):
            line = f"inner: {number} of 3 rows, "
            wait_for(lambda line=line: line in screen.file.getvalue())
        wait_for(lambda: screen.file.getvalue().splitlines()[-1].startswith("outer: 0:00:0"))


def test_what_is_short_shows_nothing(monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    with progress.shown(screen):
        for _ in range(20):
            with progress.phase("quick"):
                pass
    assert screen.file.getvalue() == ""


def test_a_bar_leaves_nothing_behind_and_lines_stay(soon):
    screen = Console(file=io.StringIO(), force_terminal=True, width=40, color_system=None)
    with progress.shown(screen), progress.phase("work"):
        wait_for(lambda: "work" in screen.file.getvalue())
        progress.console().print("a line")
    assert screen.file.getvalue().endswith("\x1b[2K\x1b[?25h\r")
    assert "a line\n" in screen.file.getvalue()


def test_nobody_asked_nobody_is_told(soon, capfd):
    with progress.shown(None), progress.phase("work"):
        time.sleep(0.02)
        progress.console().print("a line")
    assert list(progress.track("abc", "letters")) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_an_abandoned_loop_ends_its_phase(soon):
    screen = Console(file=io.StringIO(), width=80)
    with progress.shown(screen):
        letters = progress.track("abc", "letters")
        next(letters)
        letters.close()
        with progress.phase("next"):
            wait_for(lambda: "next: " in screen.file.getvalue())


@pytest.mark.parametrize("installed", [False, True])
def test_a_notebook_without_widgets_gets_lines_rather_than_warnings(monkeypatch, installed):
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: object() if installed else None)
    assert progress._has_widgets(Console(force_jupyter=True)) is installed
    assert not progress._has_widgets(Console(force_jupyter=False))

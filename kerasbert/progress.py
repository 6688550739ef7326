"""Progress reports: a bar in a terminal or notebook, a line every few seconds elsewhere.

Long-running code uses `phase` or `track`, which do nothing unless a caller has set a display with `shown`.
"""

import contextlib
import importlib.util
import threading
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # --help should not wait for it
    import rich.progress
    from rich.console import Console

# Seconds until a bar appears; until the first line in a log; between two lines.
_BAR_AFTER, _LINE_AFTER, _LINE_EVERY = 0.5, 2.0, 5.0
_REFRESH = 0.1

Item = TypeVar("Item")


class Phase:
    """A step of work with progress.

    Args:
        description: text to show, such as `epoch 1/3`.
        total: number of units. None: unknown.
        unit: name of the units, such as `rows`.
    """

    def __init__(self, description: str, total: int | None = None, unit: str = "steps"):
        self.description, self.total, self.unit, self.done = description, total, unit, 0
        self.started = self.reported = time.monotonic()
        self.bar: Any = None  # its task in rich.progress
        self._first: tuple[float, int] | None = None  # time and units of the first update

    def advance(self, units: int = 1) -> None:
        """Adds `units` to the units done."""
        self.move(self.done + units)

    def move(self, done: int) -> None:
        """Sets the number of units done."""
        self.done = done
        if self._first is None:
            self._first = (time.monotonic(), done)

    @property
    def rate(self) -> float:
        """Units per second since the first update, which may have taken long; 0: not known yet."""
        if self._first is None or self.done <= self._first[1]:
            return 0.0
        return (self.done - self._first[1]) / max(time.monotonic() - self._first[0], 1e-9)

    def __str__(self) -> str:
        """Returns the units done, the rate, and the remaining or elapsed time."""
        parts, rate = [], self.rate
        if self.total is not None:
            parts.append(f"{self.done:,} of {self.total:,} {self.unit}")
        elif self.done:
            parts.append(f"{self.done:,} {self.unit}")
        if rate:
            parts.append(f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.3g}/s")
        if rate and self.total is not None:
            parts.append(f"{_clock((self.total - self.done) / rate)} left")
        else:
            parts.append(_clock(time.monotonic() - self.started))
        return ", ".join(parts)


class Display:
    """Shows the current phases.

    Args:
        console: where to show them.
        file: a file to make a console for when it is first needed, instead of `console`.
    """

    def __init__(self, console: "Console | None" = None, file: IO[str] | None = None):
        self._console, self._file = console, file
        self._phases: list[Phase] = []
        self._lock = threading.RLock()
        self._bars: rich.progress.Progress | None = None
        self._over = threading.Event()

    @property
    def console(self) -> "Console":
        """The console that phases are shown on."""
        with self._lock:
            if self._console is None:
                from rich.console import Console

                self._console = Console(file=self._file) if self._file else Console(stderr=True)
            return self._console

    @contextlib.contextmanager
    def phase(self, phase: Phase) -> Iterator[Phase]:
        """Shows a phase while the block runs."""
        with self._lock:
            self._phases.append(phase)
            if len(self._phases) == 1:
                self._over = threading.Event()
                threading.Thread(target=self._watch, args=(self._over,), daemon=True).start()
        try:
            yield phase
        finally:
            self._end(phase)

    def _end(self, phase: Phase) -> None:
        with self._lock:
            self._phases.remove(phase)
            if self._bars and phase.bar is not None:
                self._bars.remove_task(phase.bar)
            if self._phases:
                return
            self._over.set()
            if self._bars:
                self._bars.stop()
                self._bars = None

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(_REFRESH):
            with self._lock, contextlib.suppress(OSError):  # the terminal may be gone
                if not over.is_set():
                    self._show(time.monotonic())

    def _show(self, now: float) -> None:
        if now - self._phases[0].started < _BAR_AFTER or self.console.quiet:
            return
        if self.console.is_interactive or _has_widgets(self.console):
            self._draw()
            return
        phase = self._phases[-1]
        wait = _LINE_AFTER if phase.reported == phase.started else _LINE_EVERY
        if now - phase.reported >= wait:
            phase.reported = now
            print_plain(self.console, f"{phase.description}: {phase}")

    def _draw(self) -> None:
        if self._bars is None:
            self._bars = _bars(self.console)
            self._bars.start()
        for phase in self._phases:
            if phase.bar is None:
                phase.bar = self._bars.add_task(phase.description, total=phase.total, how_far="")
            self._bars.update(phase.bar, total=phase.total, completed=phase.done, how_far=str(phase))
        self._bars.refresh()


_display: ContextVar[Display | None] = ContextVar("display", default=None)


@contextlib.contextmanager
def shown(display: "Display | Console | None") -> Iterator[None]:
    """Shows the phases of the block on `display`. None: does not show them."""
    if display is not None and not isinstance(display, Display):
        current = _display.get()
        # Two displays on one console would overwrite each other.
        display = current if current and current.console is display else Display(display)
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


def console() -> "Console":
    """Returns the console that phases are shown on; a quiet one if they are not shown."""
    display = _display.get()
    if display is None:
        from rich.console import Console

        return Console(quiet=True)
    return display.console


def note(text: str) -> None:
    """Prints a line on the console that phases are shown on."""
    print_plain(console(), text)


def print_plain(console: "Console", text: str) -> None:
    """Prints `text` without rich's markup, colours and line breaks."""
    console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def phase(description: str, total: int | None = None, unit: str = "steps") -> Iterator[Phase]:
    """Shows progress while the block runs; the block updates the yielded `Phase`, which see."""
    current, display = Phase(description, total, unit), _display.get()
    if display is None:
        yield current
    else:
        with display.phase(current):
            yield current


def track(
    items: Iterable[Item], description: str, total: int | None = None, unit: str = "rows"
) -> Iterator[Item]:
    """Yields `items` and shows how many were consumed."""
    with phase(description, total, unit) as current:
        for item in items:
            yield item
            current.advance()


def _bars(console: "Console") -> "rich.progress.Progress":
    import rich.progress

    return rich.progress.Progress(
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(bar_width=20),
        rich.progress.TextColumn("{task.fields[how_far]}", markup=False),
        console=console,
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,  # stdout is for results
    )


def _has_widgets(console: "Console") -> bool:
    """Whether this is a notebook in which rich can redraw; without ipywidgets it would warn."""
    return console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}"

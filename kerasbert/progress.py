"""What is being done and how far it is: a bar on a terminal, elsewhere a line every few seconds.

Whoever works names it, with `phase` or `track`; where nobody asked to see it (`shown`), nothing happens.
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

# What takes less is not worth a bar, seconds; the first line elsewhere; then as many between two lines.
_BAR_AFTER, _LINE_AFTER, _LINE_EVERY = 0.5, 2.0, 5.0
_REFRESH = 0.1

Item = TypeVar("Item")


class Phase:
    """Something that is being done.

    Args:
        description: such as `epoch 1/3`.
        total: how many units it takes. None: not known.
        unit: of `total`, such as `rows`.
    """

    def __init__(self, description: str, total: int | None = None, unit: str = "steps"):
        self.description, self.total, self.unit, self.done = description, total, unit, 0
        self.begun = self.said = time.monotonic()
        self.bar: Any = None  # what shows it on a terminal
        self._first: tuple[float, int] | None = None  # when, and how many were done by then

    def advance(self, units: int = 1) -> None:
        """Notes that so many more units are done."""
        self.move(self.done + units)

    def move(self, done: int) -> None:
        """Notes how many units are done."""
        self.done = done
        if self._first is None:
            self._first = (time.monotonic(), done)

    @property
    def rate(self) -> float:
        """Units a second since the first, which may have taken long; 0: not known as yet."""
        if self._first is None or self.done <= self._first[1]:
            return 0.0
        return (self.done - self._first[1]) / max(time.monotonic() - self._first[0], 1e-9)

    def __str__(self) -> str:
        """How far it is: units, rate, and the time that is left or has passed."""
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
            parts.append(_clock(time.monotonic() - self.begun))
        return ", ".join(parts)


class Display:
    """Shows the phases that are under way.

    Args:
        console: where.
        file: where, if there is no console yet; one is made when something is to be shown.
    """

    def __init__(self, console: "Console | None" = None, file: IO[str] | None = None):
        self._console, self._file = console, file
        self._phases: list[Phase] = []
        self._lock = threading.RLock()
        self._bars: rich.progress.Progress | None = None
        self._over = threading.Event()

    @property
    def console(self) -> "Console":
        """Where it is shown."""
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
            with self._lock, contextlib.suppress(OSError):  # nobody may be there to see it
                if not over.is_set():
                    self._show(time.monotonic())

    def _show(self, now: float) -> None:
        if now - self._phases[0].begun < _BAR_AFTER or self.console.quiet:
            return
        if self.console.is_interactive or _has_widgets(self.console):
            self._draw()
            return
        phase = self._phases[-1]
        wait = _LINE_AFTER if phase.said == phase.begun else _LINE_EVERY
        if now - phase.said >= wait:
            phase.said = now
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
    """Shows there the phases of the block. None: nowhere."""
    if display is not None and not isinstance(display, Display):
        current = _display.get()
        # Two displays on one console would draw over each other.
        display = current if current and current.console is display else Display(display)
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


def console() -> "Console":
    """Returns where phases are shown, for lines between them; a quiet console if they are not."""
    display = _display.get()
    if display is None:
        from rich.console import Console

        return Console(quiet=True)
    return display.console


def note(text: str) -> None:
    """Shows a line where phases are shown."""
    print_plain(console(), text)


def print_plain(console: "Console", text: str) -> None:
    """Prints `text` as it is, without colours or line breaks of rich's own."""
    console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def phase(description: str, total: int | None = None, unit: str = "steps") -> Iterator[Phase]:
    """Shows what the block does. See `Phase` for the arguments, and move what it yields."""
    begun, display = Phase(description, total, unit), _display.get()
    if display is None:
        yield begun
    else:
        with display.phase(begun):
            yield begun


def track(
    items: Iterable[Item], description: str, total: int | None = None, unit: str = "rows"
) -> Iterator[Item]:
    """Yields `items` and shows how many were taken."""
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
        redirect_stdout=False,  # which belongs to the answers
    )


def _has_widgets(console: "Console") -> bool:
    """Whether it is a notebook in which rich can redraw; without ipywidgets it warns instead."""
    return console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}"

"""Finds tasks, including the built-in ones, through entry points of the group `kerasbert.tasks`."""

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from kerasbert.errors import PluginError, one_line
from kerasbert.tasks.task import Task

GROUP = "kerasbert.tasks"


@dataclass(frozen=True)
class TaskEntry:
    """An installed task, or the error that keeps it from loading."""

    name: str
    distribution: str
    version: str
    task: type[Task] | None
    error: str | None


def list_tasks() -> list[TaskEntry]:
    """Returns all installed tasks by name. A broken one has an `error` and does not affect the others."""
    points = sorted(_points(), key=lambda point: point.name)
    counts = Counter(point.name for point in points)
    return [_load(point) if counts[point.name] == 1 else _repeated(point, points) for point in points]


def get_task(name: str) -> type[Task]:
    """Returns the task called `name`.

    Raises:
        PluginError: no such task is installed, several are, or it is broken.
    """
    points = [point for point in _points() if point.name == name]
    if not points:
        names = sorted({point.name for point in _points()})
        close = difflib.get_close_matches(name, names, n=1)
        guess = f"Did you mean {close[0]}? " if close else ""
        raise PluginError(
            f"task: no task {name!r} is installed. {guess}Installed: {', '.join(names)}. "
            f"Install a plugin with: pip install kerasbert-{name.replace('_', '-')}"
        )
    if len(points) > 1:
        raise PluginError(f"task: {name!r} {_repeated(points[0], points).error}")
    entry = _load(points[0])
    if entry.task is None:
        raise PluginError(f"task: {name!r} of {entry.distribution} is broken: {entry.error}")
    return entry.task


def _points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "?"


def _repeated(point: EntryPoint, points: Iterable[EntryPoint]) -> TaskEntry:
    owners = ", ".join(_distribution(other) for other in points if other.name == point.name)
    error = f"is provided more than once, by {owners}. Uninstall one."
    version = point.dist.version if point.dist else "?"
    return TaskEntry(point.name, _distribution(point), version, None, error)


def _load(point: EntryPoint) -> TaskEntry:
    distribution = _distribution(point)
    version = point.dist.version if point.dist else "?"
    task, error = None, None
    try:
        loaded = point.load()
        if not (isinstance(loaded, type) and issubclass(loaded, Task)):
            raise TypeError(f"{point.value} is not a subclass of kerasbert.tasks.Task")
        if loaded.name != point.name:
            raise ValueError(f"it calls itself {loaded.name!r}, its entry point {point.name!r}")
        if not (isinstance(loaded.summary, str) and loaded.summary.isprintable()):
            raise TypeError(f"its summary must be one line of text. Received: {loaded.summary!r}")
        if missing := sorted(getattr(loaded, "__abstractmethods__", ())):
            raise TypeError(f"it does not implement {', '.join(missing)}")
        task = loaded
    except BaseException as caught:
        if isinstance(caught, KeyboardInterrupt):
            raise
        error = one_line(f"{type(caught).__name__}: {caught}")
    return TaskEntry(point.name, distribution, version, task, error)

"""Tasks are found through entry points of the group `kerasbert.tasks`, the built-in ones too."""

import difflib
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from kerasbert.errors import PluginError
from kerasbert.tasks.task import Task

GROUP = "kerasbert.tasks"


@dataclass(frozen=True)
class TaskEntry:
    """An installed task, or what keeps it from loading."""

    name: str
    distribution: str
    version: str
    task: type[Task] | None
    error: str | None


def list_tasks() -> list[TaskEntry]:
    """Returns all installed tasks by name. A broken one has an `error` and harms nothing."""
    return [_load(point) for point in sorted(_points(), key=lambda point: point.name)]


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
            f"A plugin comes with: pip install kerasbert-{name.replace('_', '-')}"
        )
    if len(points) > 1:
        owners = ", ".join(point.dist.name if point.dist else "?" for point in points)
        raise PluginError(f"task: {name!r} is provided more than once, by {owners}. Uninstall one.")
    entry = _load(points[0])
    if entry.task is None:
        raise PluginError(f"task: {name!r} of {entry.distribution} is broken: {entry.error}")
    return entry.task


def _points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _load(point: EntryPoint) -> TaskEntry:
    distribution = point.dist.name if point.dist else "?"
    version = point.dist.version if point.dist else "?"
    task, error = None, None
    try:
        loaded = point.load()
        if not (isinstance(loaded, type) and issubclass(loaded, Task)):
            raise TypeError(f"{point.value} is not a subclass of kerasbert.tasks.Task")
        if loaded.name != point.name:
            raise ValueError(f"it calls itself {loaded.name!r}, its entry point {point.name!r}")
        task = loaded
    except BaseException as caught:
        if isinstance(caught, KeyboardInterrupt):
            raise
        error = f"{type(caught).__name__}: {caught}"
    return TaskEntry(point.name, distribution, version, task, error)

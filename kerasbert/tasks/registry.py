"""Finds tasks, including the built-in ones, through entry points of the group `kerasbert.tasks`."""

import difflib
from importlib.metadata import EntryPoint

from kerasbert.errors import PluginError
from kerasbert.plugins import Plugin, find_plugin, list_plugins, plugin_names
from kerasbert.tasks.task import Task

GROUP = "kerasbert.tasks"


def list_tasks() -> list[Plugin[type[Task]]]:
    """Returns all installed tasks by name. A broken one has an `error` and does not affect the others."""
    return list_plugins(GROUP, _checked)


def get_task(name: str) -> type[Task]:
    """Returns the task called `name`.

    Raises:
        PluginError: no such task is installed, several are, or it is broken.
    """
    plugin = find_plugin(GROUP, name, _checked)
    if plugin is None:
        names = plugin_names(GROUP)
        close = difflib.get_close_matches(name, names, n=1)
        guess = f"Did you mean {close[0]}? " if close else ""
        raise PluginError(
            f"task: no task {name!r} is installed. {guess}Installed: {', '.join(names)}. "
            "Choose one of them, or install the package that brings it."
        )
    if plugin.value is None:
        raise PluginError(f"task: {name!r} of {plugin.distribution} is broken: {plugin.error}")
    return plugin.value


def _checked(point: EntryPoint, loaded: object) -> type[Task]:
    if not (isinstance(loaded, type) and issubclass(loaded, Task)):
        raise TypeError(f"{point.value} is not a subclass of kerasbert.tasks.Task")
    if loaded.name != point.name:
        raise ValueError(f"it calls itself {loaded.name!r}, its entry point {point.name!r}")
    if not (isinstance(loaded.summary, str) and loaded.summary.isprintable()):
        raise TypeError(f"its summary must be one line of text. Received: {loaded.summary!r}")
    if missing := sorted(getattr(loaded, "__abstractmethods__", ())):
        raise TypeError(f"it does not implement {', '.join(missing)}")
    return loaded

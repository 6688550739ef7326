"""What installed distributions offer through entry points, without one broken plugin harming the others."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from kerasbert.errors import one_line

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """Something that a distribution offers, or the error that keeps it from loading."""

    name: str
    distribution: str
    version: str
    value: T | None
    error: str | None


def list_plugins(group: str, check: Callable[[EntryPoint, object], T]) -> list[Plugin[T]]:
    """Returns what is installed, by name. A broken plugin has an `error`.

    Args:
        group: of the entry points.
        check: gets an entry point and what it names; returns the plugin or raises an error.
    """
    points = sorted(entry_points(group=group), key=lambda point: point.name)
    counts = Counter(point.name for point in points)
    return [_load(point, check) if counts[point.name] == 1 else _repeated(point, points) for point in points]


def find_plugin(group: str, name: str, check: Callable[[EntryPoint, object], T]) -> Plugin[T] | None:
    """Returns the plugin of a name, loading no other; None: there is none. See `list_plugins`."""
    points = [point for point in entry_points(group=group) if point.name == name]
    if len(points) > 1:
        return _repeated(points[0], points)
    return _load(points[0], check) if points else None


def plugin_names(group: str) -> list[str]:
    """Returns the names of all that is installed."""
    return sorted({point.name for point in entry_points(group=group)})


def _repeated(point: EntryPoint, points: list[EntryPoint]) -> Plugin[T]:
    owners = ", ".join(_distribution(other)[0] for other in points if other.name == point.name)
    error = f"is provided more than once, by {owners}. Uninstall one."
    return Plugin(point.name, *_distribution(point), None, error)


def _load(point: EntryPoint, check: Callable[[EntryPoint, object], T]) -> Plugin[T]:
    value, error = None, None
    try:
        value = check(point, point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as caught:  # a plugin may even exit
        error = one_line(f"{type(caught).__name__}: {caught}")
    return Plugin(point.name, *_distribution(point), value, error)


def _distribution(point: EntryPoint) -> tuple[str, str]:
    """Returns its name and version."""
    return (point.dist.name, point.dist.version) if point.dist else ("?", "?")

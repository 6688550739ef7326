"""Checks that a training is resumed with its original settings."""

from typing import Any

from pydantic import BaseModel

from kerasbert.engine.run import Run
from kerasbert.errors import ConfigError


def differences(started: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Returns the dotted keys of `started` whose values differ from those in `now`."""
    keys = []
    for key in started:
        if isinstance(started[key], dict) and isinstance(now.get(key), dict):
            keys += differences(started[key], now[key], f"{prefix}{key}.")
        elif started[key] != now.get(key):
            keys.append(prefix + key)
    return keys


def require_same_config(run: Run, now: BaseModel, may_differ: tuple[str, ...] = ("run_dir",)) -> None:
    """Raises `ConfigError`, which names the keys, unless `run` was started with this configuration."""
    keys = differences(run.load_config().model_dump(), now.model_dump())
    other = [key for key in keys if key.split(".")[0] not in may_differ]
    if other:
        raise ConfigError(
            f"{', '.join(other)}: differs from what {run.path} was started with. Resume with its own "
            f"{run.config.name}, or start a new run with another run_dir (--output)."
        )

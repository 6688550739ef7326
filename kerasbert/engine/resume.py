"""Checks that a training is resumed with its original settings."""

from typing import Any

from pydantic import BaseModel

from kerasbert.engine.run import Run
from kerasbert.errors import ConfigError


def differences(begun: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Returns the dotted keys of `begun` whose values are others `now`."""
    keys = []
    for key in begun:
        if isinstance(begun[key], dict) and isinstance(now.get(key), dict):
            keys += differences(begun[key], now[key], f"{prefix}{key}.")
        elif begun[key] != now.get(key):
            keys.append(prefix + key)
    return keys


def require_same_config(run: Run, now: BaseModel, may_differ: tuple[str, ...] = ("run_dir",)) -> None:
    """Raises `ConfigError`, which names the keys, unless `run` was begun with this configuration."""
    keys = differences(run.load_config().model_dump(), now.model_dump())
    other = [key for key in keys if key.split(".")[0] not in may_differ]
    if other:
        raise ConfigError(
            f"{', '.join(other)}: differs from what {run.path} was begun with. Resume with its own "
            f"{run.config.name}, or begin anew with another run_dir (--output)."
        )

"""Reads the configuration of a training, merged with the defaults of its task."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasbert.config import Config, apply_overrides, merge, parse_config, read_yaml
from kerasbert.files import require_path
from kerasbert.tasks.registry import get_task


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads the configuration at `path`, a YAML file.

    Args:
        path: the file.
        overrides: `KEY=VALUE` strings with dotted keys; values are YAML.

    Raises:
        ConfigError: the file or a key is wrong; the message names it.
        PluginError: the task is not installed.
    """
    path = require_path(path, "path")
    values = apply_overrides(read_yaml(Path(path)), overrides)
    return parse_config(Config, over_defaults(values), where=path)


def over_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Returns settings merged over the defaults of their task.

    Raises:
        PluginError: the task is not installed.
    """
    task = values.get("task", Config().task)
    return merge(get_task(task).defaults, values) if isinstance(task, str) else values

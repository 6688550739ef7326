"""Reading the configuration of a training, over the defaults of its task."""

from collections.abc import Sequence
from pathlib import Path

from kerasbert.config import Config, apply_overrides, merge, parse_config, read_yaml
from kerasbert.tasks.registry import get_task


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads the configuration at `path`, a YAML file.

    Args:
        path: of the file.
        overrides: `KEY=VALUE` strings with dotted keys; values are YAML.

    Raises:
        ConfigError: the file or a key is wrong; the message names it.
        PluginError: the task is not installed.
    """
    values = apply_overrides(read_yaml(Path(path)), overrides)
    defaults = get_task(str(values.get("task", Config().task))).defaults
    return parse_config(Config, merge(defaults, values), where=str(path))

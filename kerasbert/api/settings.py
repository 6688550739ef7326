"""Builds a configuration from a YAML file, a `Config`, nested dicts or keyword arguments."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.config import Config, DataConfig, merge, parse_config, read_yaml
from kerasbert.data.table import Table, as_sources
from kerasbert.engine.run import new_run_dir
from kerasbert.errors import ConfigError
from kerasbert.tasks.load_config import over_defaults

Settings = str | os.PathLike[str] | Config | Mapping[str, Any] | None

_WHERE = "kerasbert.train"


@dataclass(frozen=True)
class Given:
    """A configuration, and the in-memory rows by the file names it has for them."""

    config: Config
    tables: dict[str, Table]


def gather(config: Settings, rows: Mapping[str, Any], settings: Mapping[str, Any]) -> Given:
    """Returns the configuration for the arguments of `kerasbert.train`.

    Args:
        config: the configuration to start from.
        rows: the arguments for `train` and `validation`, if any.
        settings: keys of the configuration to set, nested or dotted.

    Raises:
        UserError: a key, a value or the rows are wrong; the message says which.
    """
    values, where = _values(config)
    values = merge(values, _nested(settings))
    tables: dict[str, Table] = {}
    for side, data in rows.items():
        paths = []
        for source in as_sources(data, "data" if side == "train" else side):
            if isinstance(source, Table):
                tables[side], source = source, side
            paths.append(source)
        values = merge(values, {"data": {side: paths}})
    if not isinstance(config, Config):
        values = over_defaults(values)
    parsed = parse_config(Config, values, where)
    if tables:
        parsed.run_dir = parsed.run_dir or new_run_dir(parsed.task, parsed.training)
        files = {side: f"{parsed.run_dir}/rows/{side}.jsonl" for side in tables}
        for side, path in files.items():
            setattr(parsed.data, side, [path])
        tables = {files[side]: table for side, table in tables.items()}
    return Given(parsed, tables)


def split_section(data: Any) -> tuple[dict[str, Any], Any]:
    """Returns the settings and the rows in `data`, which is either rows or the section `data`."""
    if isinstance(data, Mapping) and ("train" in data or set(data) <= set(DataConfig.model_fields)):
        return {key: value for key, value in data.items() if key != "train"}, data.get("train")
    return {}, data


def _values(config: Settings) -> tuple[dict[str, Any], str]:
    if config is None or isinstance(config, Mapping):
        return _nested(config or {}), _WHERE
    if isinstance(config, Config):
        return config.model_dump(), _WHERE
    if isinstance(config, str | os.PathLike):
        return read_yaml(Path(config)), str(config)
    raise ConfigError(
        f"{_WHERE}: the configuration must be the path of a YAML file, a kerasbert.Config or a dict. "
        f"Received: {type(config).__name__}. Pass rows as the argument data."
    )


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings with dotted keys expanded to sections, and values as plain Python types."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        branch = _plain(value)
        for part in reversed(str(key).split(".")):
            branch = {part: branch}
        result = merge(result, branch)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value

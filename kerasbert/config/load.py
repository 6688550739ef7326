"""Reading configurations: YAML plus KEY=VALUE overrides, with errors that name the key."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kerasbert.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Returns the mapping in the YAML file at `path`."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read ({reason}).") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML ({' '.join(str(error).split())}).") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must be a mapping of keys. Received: {type(values).__name__}")
    return values


def apply_overrides(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Returns `values` with each `a.b=VALUE` of `overrides` set."""
    result = merge({}, values)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set must be KEY=VALUE. Received: {override!r}")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {key}: the value is not YAML. Received: {text!r}") from error
        branch: dict[str, Any] = {}
        leaf = branch
        *parents, name = key.strip().split(".")
        for parent in parents:
            leaf = leaf.setdefault(parent, {})
        leaf[name] = value
        result = merge(result, branch)
    return result


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `base` with the values of `over`, section by section."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        nested = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merge(below, value) if nested else value  # type: ignore[arg-type]
    return result


def parse_config(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Returns `values` as a `model`; raises `ConfigError` with one line for each wrong key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = dict.fromkeys(_explain(model, problem) for problem in error.errors())
        raise ConfigError("\n".join(f"{where}: {line}" for line in lines)) from error


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Returns `values` as YAML in their own order."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


def _explain(model: type[BaseModel], problem: Any) -> str:
    location = [str(part) for part in problem["loc"]]
    if not location:  # raised by a validator of ours, which names the keys itself
        return str(problem["ctx"]["error"])
    if problem["type"] == "extra_forbidden":
        guess = _nearest(location, _keys(model))
        return f"{'.'.join(location)}: unknown key. {guess}Received: {problem['input']!r}"
    # The location of a union ends in the name of the branch that failed.
    keys = _keys(model)
    key = next(
        (".".join(location[:n]) for n in range(len(location), 0, -1) if ".".join(location[:n]) in keys),
        ".".join(location),
    )
    message = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}. Received: {problem['input']!r}"


def _nearest(location: Sequence[str], keys: Sequence[str]) -> str:
    name = ".".join(location)
    close = difflib.get_close_matches(name, keys, n=1, cutoff=0.6)
    if not close:  # perhaps the right name in the wrong section
        close = [key for key in keys if key.rpartition(".")[2] == location[-1]]
    return f"Did you mean {close[0]}? " if close else ""


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys

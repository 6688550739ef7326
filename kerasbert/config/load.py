"""Reads configurations: YAML plus KEY=VALUE overrides, with errors that name the key."""

import difflib
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kerasbert.config.yaml_values import load_yaml
from kerasbert.encoding import read_text
from kerasbert.errors import ConfigError, DataError

Model = TypeVar("Model", bound=BaseModel)

# Aliases of YAML can make a value of a few lines endless in print.
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxlist = _SHORT.maxdict = 8
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 200


def read_yaml(path: Path) -> dict[str, Any]:
    """Returns the mapping in the YAML file at `path`."""
    try:
        values = load_yaml(read_text(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except DataError as error:
        raise ConfigError(str(error)) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date
        raise ConfigError(f"{path}: is not YAML ({' '.join(str(error).split())}).") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply.") from error
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
            value = load_yaml(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
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


def parse_config(model: type[Model], values: Mapping[str, Any], where: str = "") -> Model:
    """Returns `values` as a `model`; raises `ConfigError` with one line for each wrong key.

    Each line begins with `where` the values are from. Empty: from several places.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        place = where and f"{where}: "
        raise ConfigError("\n".join(place + line for line in _error_lines(model, error))) from error


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Returns `values` as YAML in their own order."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


def _error_lines(model: type[BaseModel], error: ValidationError) -> list[str]:
    """Returns one line for each wrong key."""
    keys = _keys(model)
    lines: list[str] = []
    faults: dict[str, tuple[list[str], Any]] = {}
    for problem in error.errors():
        location = [str(part) for part in problem["loc"]]
        path = ".".join(location)
        is_value = path in keys and not any(key.startswith(f"{path}.") for key in keys)
        if problem["type"] == "value_error" and isinstance(problem["input"], dict) and not is_value:
            # Raised by a validator of a section, which names the keys below it itself.
            lines.append(".".join([*location, str(problem["ctx"]["error"])]))
            continue
        # The location of a union ends in the name of the branch that failed.
        ends = (".".join(location[:n]) for n in range(len(location), 0, -1))
        key = next((end for end in ends if end in keys), ".".join(location))
        if any(part.isdigit() for part in location[:-1]):  # a key of a section in a list
            key = ".".join(location)
        message = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            key = ".".join(location)
            message = f"unknown key{_nearest(location, keys)}"
        messages, _ = faults.setdefault(key, ([], problem["input"]))
        messages.append(f"{message[0].lower()}{message[1:]}")
    for key, (messages, received) in faults.items():
        message = ", or ".join(dict.fromkeys(messages))
        lines.append(
            f"{key}: {message}{'' if message.endswith('?') else '.'} Received: {_SHORT.repr(received)}"
        )
    return lines


def _nearest(location: Sequence[str], keys: Sequence[str]) -> str:
    # Perhaps the right name in the wrong section, else a misspelt one.
    close = [key for key in keys if "." in key and key.rpartition(".")[2] == location[-1]]
    close = close or difflib.get_close_matches(".".join(location), keys, n=1, cutoff=0.6)
    return f". Did you mean {close[0]}?" if close else ""


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys

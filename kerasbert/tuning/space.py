"""The search space: a YAML file that maps configuration keys to ranges or lists of values."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, RootModel, Tag, model_validator

from kerasbert.config import Section, parse_config, read_yaml


class Range(Section):
    """Numbers from `low` to `high`; integers if both are."""

    low: int | float
    high: int | float
    log: bool = Field(False, description="Whether every order of magnitude is as likely.")

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low: must be less than high, and positive with log")
        return self


def _kind(value: Any) -> str | None:
    """Selects the member of the union, so that errors refer only to it."""
    if isinstance(value, (dict, Range)):
        return "range"
    return "list" if isinstance(value, list) else None


Choice = Annotated[
    Annotated[Range, Tag("range")] | Annotated[list[Any], Tag("list")],
    Discriminator(
        _kind,
        custom_error_type="choice",
        custom_error_message="must be a range {low, high} or a list of values",
    ),
]


class Space(RootModel[dict[str, Choice]]):
    """The choices for each key."""

    def suggest(self, trial: Any) -> list[str]:
        """Samples values with an Optuna trial, and returns `KEY=VALUE` overrides."""
        return [f"{key}={_as_yaml(self._choose(trial, key, of))}" for key, of in self.root.items()]

    def extremes(self) -> list[list[str]]:
        """Returns overrides that together cover both ends of each range and each value of each list."""
        ends = {key: [of.low, of.high] if isinstance(of, Range) else of for key, of in self.root.items()}
        return [
            [f"{key}={_as_yaml(values[min(n, len(values) - 1)])}" for key, values in ends.items()]
            for n in range(max(map(len, ends.values())))
        ]

    @staticmethod
    def _choose(trial: Any, key: str, of: Range | list[Any]) -> Any:
        if isinstance(of, list):  # Optuna keeps strings and numbers only
            return json.loads(trial.suggest_categorical(key, [json.dumps(value) for value in of]))
        if isinstance(of.low, int) and isinstance(of.high, int):
            return trial.suggest_int(key, of.low, of.high, log=of.log)
        return trial.suggest_float(key, of.low, of.high, log=of.log)


def read_space(path: str | Path) -> Space:
    """Reads the file at `path`.

    Raises:
        ConfigError: it is no such mapping; the message names the key.
    """
    values: Mapping[str, Any] = read_yaml(Path(path))
    return parse_config(_Checked, values, where=str(path))


class _Checked(Space):
    @model_validator(mode="after")
    def _something_to_choose(self) -> "_Checked":
        if not self.root or any(isinstance(of, list) and len(of) < 2 for of in self.root.values()):
            raise ValueError("name at least one key, each with a range or two values")
        return self


def _as_yaml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""Writes docs/configuration.md from the schemas: python docs/make_configuration.py."""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel

from kerasbert.config import Config, PhaseConfig, PretrainingConfig

HEAD = """\
# Configuration

A configuration is a YAML file. `--set KEY=VALUE` overrides a key: `--set training.batch_size=64`.

```yaml
task: classification
data: {train: rows.csv}
backbone: {source: kerasbert-tiny-zh}
training: {epochs: 6, learning_rate: 5.0e-4}
```

Only `data.train` must be set. A task may have defaults of its own, which replace those below.
`kerasbert train CONFIG --dry-run` prints the resolved configuration with every key; each run directory keeps
it as `config.yaml`. Paths are relative to the working directory.

This page is generated from the schema by `python docs/make_configuration.py`.
"""
PRETRAINING = """\
# Configuration of a pre-training

The keys of the configuration that [`kerasbert pretrain`](pretraining.md) reads.
"""


def render() -> str:
    """Returns the page."""
    parts = [HEAD, *_tables(Config), PRETRAINING, *_tables(PretrainingConfig)]
    return "\n".join([*parts, _table("Each of `phases`", PhaseConfig)])


def _tables(model: type[BaseModel]) -> list[str]:
    sections = [
        _table(f"`{name}`", section, f"{name}.")
        for name, field in model.model_fields.items()
        if isinstance(section := field.annotation, type) and issubclass(section, BaseModel)
    ]
    return [_table("Top level", model), *sections]


def _table(title: str, section: type[BaseModel], prefix: str = "") -> str:
    lines = [
        f"## {title}",
        "",
        (section.__doc__ or "").strip(),
        "",
        "| key | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in section.model_fields.items():
        if field.description:
            default = "required" if field.is_required() else f"`{_as_yaml(field.default)}`"
            meaning = re.sub(r"(\w+\.md)", r"[\1](\1)", field.description)
            if choices := _choices(field.annotation):
                meaning += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
            lines.append(f"| `{prefix}{name}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _as_yaml(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _choices(annotation: Any) -> list[str]:
    """Returns the strings that a type allows, if it names more than one."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation)) if len(get_args(annotation)) > 1 else []
    return [choice for part in get_args(annotation) for choice in _choices(part)]


if __name__ == "__main__":
    Path(__file__).with_name("configuration.md").write_text(render(), encoding="utf-8")

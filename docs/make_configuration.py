"""Writes docs/configuration.md from the schemas: python docs/make_configuration.py."""

from pathlib import Path

from pydantic import BaseModel

from kerasbert.config import Config, PhaseConfig, PretrainingConfig

HEAD = """\
# Configuration

A configuration is a YAML file; `--set KEY=VALUE` overrides a key, as in
`--set training.batch_size=64`. Every key has a default but `data.train`. A task may bring defaults of
its own. `kerasbert train CONFIG --dry-run` prints the complete, resolved configuration, and each run
directory keeps it as `config.yaml`.

Paths are relative to the directory the command runs in.

This page is made from the schema: `python docs/make_configuration.py`.
"""
PRETRAINING = """\
# Configuration of a pre-training

What `kerasbert pretrain CONFIG` takes: see [pretraining.md](pretraining.md).
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
            default = "required" if field.is_required() else f"`{field.default}`"
            lines.append(f"| `{prefix}{name}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("configuration.md").write_text(render(), encoding="utf-8")

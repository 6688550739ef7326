"""Commands, options, keys, targets and files that the documentation names exist."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from pydantic import BaseModel

from kerasbert.cli import main
from kerasbert.config import Config, PretrainingConfig

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")),
]
EACH_PAGE = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
SECTIONS: dict[str, set[str]] = {}
for config in (Config, PretrainingConfig):
    for section, field in config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            SECTIONS.setdefault(section, set()).update(field.annotation.model_fields)


def code(path: Path) -> list[str]:
    """Returns the lines of code blocks, continued ones joined, and the pieces of code in the text."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = re.findall(r"^```(?:sh|text)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [*"".join(fenced).splitlines(), *re.findall(r"^    (.+)$", text, re.MULTILINE)]
    return [*lines, *(piece.replace("\n", " ") for piece in re.findall(r"`([^`]+)`", text))]


def words(line: str) -> list[str]:
    """Returns the words of a command of kerasbert, brackets of a synopsis removed; else nothing."""
    found = re.match(r"\s*(?:\.venv/bin/)?kerasbert (?!->)(.+)", line)
    if not found:
        return []
    command = re.split(r" (?:\||>|&&) ", re.sub(r"\s#.*", "", found[1]))[0]
    return [word.strip("[].,;") for word in shlex.split(command)]


def check(words: list[str]) -> None:
    """Raises AssertionError where a command or an option does not exist."""
    command: click.Command = main
    context = click.Context(main)
    rest = iter(words)
    while isinstance(command, click.Group):
        name = next(rest, None)
        if name is None or name.startswith("--"):
            break
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command = found
    options = {name: option for option in command.params for name in option.opts}
    options["--help"] = click.Option(["--help"], is_flag=True)
    for word in rest:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            assert name in options, f"{command.name} has no option {name}"
            if not (value or options[name].is_flag):
                value = next(rest)
            if name == "--set":
                check_key(value.partition("=")[0])


def check_key(key: str) -> None:
    """Raises AssertionError where the configuration has no such key."""
    section, _, name = key.partition(".")
    assert name in SECTIONS.get(section, ()) or key in Config.model_fields or section == "task_options", key


@EACH_PAGE
def test_commands_and_options_exist(path: Path):
    for line in code(path):
        check(words(line))


@EACH_PAGE
def test_keys_of_the_configuration_exist(path: Path):
    for piece in code(path):
        found = re.fullmatch(r"(\w+)\.(\w+)(?:: .*)?", piece)
        if found and found[1] in SECTIONS and found[2] not in ("csv", "json", "md", "yaml"):
            check_key(f"{found[1]}.{found[2]}")
    for block in re.findall(
        r"^```yaml\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        for section, values in yaml.safe_load(block).items():
            for name in values if isinstance(values, dict) else ():
                check_key(f"{section}.{name}")


@EACH_PAGE
def test_targets_and_files_exist(path: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for piece in code(path):
        if found := re.match(r"make ([a-z-]+)", piece):
            assert found[1] in targets, piece
        for file in re.findall(r"(?:^|[ (])((?:benchmarks|configs|docs|kerasbert|tests)/[\w./-]*\w)", piece):
            assert (ROOT / file).exists(), file

import json
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import click
import pytest
import tensorflow as tf

import kerasbert.cli
from kerasbert import __version__
from kerasbert.cli import main

CONTEXT = click.Context(main, info_name="kerasbert")
NO_COMMANDS = {"__init__", "interrupts", "lazy", "startup", "options"}
SUBCOMMANDS = {"data": {"check", "clean", "select"}, "plugins": {"list", "check", "new"}}
# DESIGN.md, section 4; scripts depend on it.
OPTIONS = {
    "quickstart": {"--workdir"},
    "train": {"--set", "--run-dir", "--dry-run", "--resume", "--seeds", "--folds"},
    "distill": {"--set", "--run-dir", "--dry-run", "--resume", "--unlabelled"},
    "tune": {"--set", "--run-dir", "--dry-run", "--resume", "--space", "--trials"},
    "evaluate": {"--data", "--report", "--json"},
    "predict": {"--input", "--output", "--format"},
    "explain": {"--input", "--label", "--json"},
    "embed": {"--input", "--output", "--pooling", "--normalize", "--prefix", "--batch-size"},
    "export": {"--version", "--precision", "--signature"},
    "data check": {"--config"},
    "plugins list": {"--json"},
    "plugins check": set(),
    "plugins new": set(),
    "doctor": set(),
}
_HELP_ALL = """
import contextlib, io, json, sys
from kerasbert.cli import main
shown = {}
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        main([*arguments, "--help"], standalone_mode=False)
    shown[" ".join(arguments)] = text.getvalue()
print(json.dumps({"shown": shown, "modules": sorted(sys.modules)}))
"""


def command(words: str) -> click.Command:
    found = main
    for word in words.split():
        found = found.get_command(CONTEXT, word)
        assert found is not None, words
    return found


@pytest.fixture(scope="module")
def helped() -> dict:
    names = [[], *([name] for name in main.list_commands(CONTEXT))]
    names += [[group, name] for group, found in SUBCOMMANDS.items() for name in found]
    done = subprocess.run(
        [sys.executable, "-c", _HELP_ALL, json.dumps(names)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_no_help_imports_anything_heavy(helped):
    top = {name.partition(".")[0] for name in helped["modules"]}
    heavy = {"tensorflow", "keras", "keras_nlp", "keras_hub", "numpy", "rich", "yaml", "pydantic", "sklearn"}
    assert "click" in top
    assert not heavy & top
    ours = {name for name in helped["modules"] if name.startswith("kerasbert.")}
    light = (
        "kerasbert.cli",
        "kerasbert.errors",
        "kerasbert.language",
        "kerasbert.progress",
        "kerasbert.startup",
    )
    assert all(name.startswith(light) for name in ours)


def test_every_help_says_how_to_use_the_command(helped):
    for words, text in helped["shown"].items():
        assert re.match(rf"Usage: \S+ {words}", text)
        assert "--help" in text
        assert len(text.splitlines()) > 4


def test_the_help_table_names_the_commands_that_exist(helped):
    folder = Path(kerasbert.cli.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - NO_COMMANDS
    table = helped["shown"][""].partition("Commands:")[2]
    assert set(re.findall(r"^  (\S+)  ", table, re.MULTILINE)) == files
    assert set(main.list_commands(CONTEXT)) == files


@pytest.mark.parametrize("name", main.list_commands(CONTEXT))
def test_every_command_of_the_table_loads_under_its_name(name):
    found = command(name)
    assert isinstance(found, click.Command)
    assert found.name == name
    assert found.help


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_groups_have_their_commands(name):
    assert set(command(name).commands) == SUBCOMMANDS[name]


@pytest.mark.parametrize("words", OPTIONS)
def test_the_options_of_the_contract_are_there(words):
    options = {name for parameter in command(words).params for name in parameter.opts}
    assert options >= OPTIONS[words]


@pytest.mark.parametrize(
    ("words", "old"),
    [
        ("quickstart", "--workdir"),
        ("train", "--run-dir"),
        ("distill", "--run-dir"),
        ("tune", "--run-dir"),
        ("pretrain", "--run-dir"),
        ("evaluate", "--report"),
        ("plugins new", "--directory"),
    ],
)
def test_what_a_command_writes_is_output_and_the_older_name_works_unseen(helped, words, old):
    (option,) = [parameter for parameter in command(words).params if "--output" in parameter.opts]
    assert old in option.opts
    text = helped["shown"][words]
    assert "--output PATH" in text
    assert old not in text


def test_the_version_is_printed(kerasbert):
    result = kerasbert("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, f"kerasbert {__version__}")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["train"], ["train", "a", "b"]])
def test_a_wrong_command_line_ends_with_status_two(kerasbert, arguments):
    result = kerasbert(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 8.00 GiB for an array"),
        tf.errors.ResourceExhaustedError(
            None, None, "OOM when allocating tensor with shape[8,512]\n[[Hint]]"
        ),
    ],
)
def test_too_little_memory_is_said_in_one_line(kerasbert, monkeypatch, error):
    monkeypatch.setattr(click.Group, "invoke", Mock(side_effect=error))
    result = kerasbert("doctor")
    assert result.exit_code == 1
    assert re.fullmatch(r"Error: out of memory \((OOM|Unable).*\)\. Take smaller batches.*\n", result.stderr)


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "kerasbert", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"kerasbert {__version__}\n"


def test_a_text_in_the_place_of_a_file_is_refused_in_one_line(kerasbert):
    result = kerasbert("data", "check", "很" * 100)
    assert result.exit_code == 2
    assert re.fullmatch(r"Error: .*很.*File name too long.*\n", result.stderr)

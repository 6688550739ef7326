import importlib.util
import json
import sys
import tomllib
from importlib.metadata import EntryPoint, entry_points

import pytest

from kerasbert import plugins
from kerasbert.testing import TaskContract, run_checks

TASKS = {"classification", "multi_label", "news_topic", "sentiment", "spam"}


@pytest.fixture
def broken(monkeypatch):
    """Two installed plugins that do not load."""
    points = [
        EntryPoint("gone", "kerasbert_gone:Gone", "kerasbert.tasks"),
        EntryPoint("odd", "json:dumps", "kerasbert.tasks"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*entry_points(group=group), *points])


def listed(result) -> dict[str, dict]:
    assert result.exit_code == 0
    assert result.stderr == ""
    return {entry["name"]: entry for entry in json.loads(result.stdout)}


def test_json_lists_each_task(kerasbert):
    entries = listed(kerasbert("plugins", "list", "--json"))
    assert entries.keys() >= TASKS
    for entry in entries.values():
        assert set(entry) == {"name", "distribution", "version", "summary", "error"}
        assert entry["error"] is None
        assert entry["summary"]
    assert entries["classification"]["distribution"] == "kerasbert"
    assert entries["spam"]["distribution"] == "kerasbert-spam"


def test_broken_plugins_are_listed_with_their_errors(kerasbert, broken):
    entries = listed(kerasbert("plugins", "list", "--json"))
    assert entries.keys() >= TASKS
    assert "kerasbert_gone" in entries["gone"]["error"]
    assert "not a subclass" in entries["odd"]["error"]
    text = kerasbert("plugins", "list")
    assert text.exit_code == 0
    assert text.stdout.count("BROKEN") == 2
    assert len(text.stdout.splitlines()) == len(entries)


def test_a_good_task_passes_its_check(kerasbert, monkeypatch):
    monkeypatch.setattr(
        TaskContract, "test_trained_model_serves", lambda self: None
    )  # slow; tested elsewhere
    result = kerasbert("plugins", "check", "multi_label")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == len([name for name in vars(TaskContract) if name.startswith("test_")])
    assert all(line.startswith("ok ") for line in lines)


def test_a_task_that_breaks_the_contract_fails_its_check(kerasbert, monkeypatch):
    def fails(self):
        raise AssertionError("no gradient\nmore")

    monkeypatch.setattr(TaskContract, "test_trained_model_serves", lambda self: None)
    monkeypatch.setattr(TaskContract, "test_head_gives_logits", fails)
    result = kerasbert("plugins", "check", "classification")
    assert result.exit_code == 1
    assert "FAILED head_gives_logits: AssertionError: no gradient\n" in result.stdout
    assert result.stdout.count("FAILED") == 1


def test_an_unknown_or_broken_task_is_refused(refused, broken):
    assert "Did you mean sentiment?" in refused("plugins", "check", "sentimen")
    assert "is broken: " in refused("plugins", "check", "gone")


@pytest.fixture
def plugin(kerasbert, tmp_path, monkeypatch):
    """A new plugin's directory and its package, imported."""
    monkeypatch.chdir(tmp_path)
    result = kerasbert("plugins", "new", "my_task")
    assert result.exit_code == 0, result.output
    assert "kerasbert-my-task" in result.stdout
    directory = tmp_path / "kerasbert-my-task"
    file = directory / "kerasbert_my_task" / "__init__.py"
    spec = importlib.util.spec_from_file_location("kerasbert_my_task", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kerasbert_my_task", module)
    spec.loader.exec_module(module)
    return directory, module


def test_a_new_plugin_names_its_entry_point(plugin):
    directory, module = plugin
    project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["kerasbert.tasks"] == {"my_task": "kerasbert_my_task:MyTask"}
    assert project["name"] == "kerasbert-my-task"
    assert module.MyTask.name == "my_task"


def test_a_new_plugin_keeps_the_contract(plugin, monkeypatch):
    point = EntryPoint("my_task", "kerasbert_my_task:MyTask", "kerasbert.tasks")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*entry_points(group=group), point])
    monkeypatch.setattr(TaskContract, "test_trained_model_serves", lambda self: None)
    assert [error for _, error in run_checks(plugin[1].MyTask) if error] == []


def test_a_new_plugin_leaves_nothing_to_fill_in(plugin):
    files = [path for path in plugin[0].rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) >= 5
    for path in files:
        assert path.suffix != ".in"
        assert "$" not in str(path) + path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["My-Task", "class", "1st", "", "a b", "../x", "任务"])
def test_a_name_that_is_no_identifier_is_refused(refused, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert "NAME must be" in refused("plugins", "new", name)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("spam", "already the name of a task of kerasbert-spam"),
        ("multi_label", "already the name of a task of kerasbert"),
        ("odd", "already the name of a task"),  # broken, but installed
        ("class", "a keyword of Python"),
        ("match", "a keyword of Python"),
        ("none", "a keyword of Python"),
        ("json", "a module of Python's standard library"),
        ("numpy", "an installed package"),
    ],
)
def test_a_name_that_is_taken_is_refused(refused, broken, tmp_path, monkeypatch, name: str, what: str):
    monkeypatch.chdir(tmp_path)
    assert what in refused("plugins", "new", name)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_exists_is_refused(refused, tmp_path):
    (tmp_path / "there").mkdir()
    assert "exists already" in refused("plugins", "new", "mine", "--output", tmp_path / "there")


def test_a_place_below_a_file_is_refused(refused, tmp_path):
    (tmp_path / "file").touch()
    line = refused("plugins", "new", "mine", "--output", tmp_path / "file" / "x")
    assert "cannot be written" in line

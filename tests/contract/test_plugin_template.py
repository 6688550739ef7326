import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import kerasbert
from kerasbert.errors import UserError
from kerasbert.plugin_template import create_plugin
from kerasbert.tasks import get_task
from kerasbert.testing import run_checks

pytestmark = pytest.mark.process


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return create_plugin("my_task2", tmp_path / "plugin")


@pytest.fixture
def installed(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin as pip would install it, by hand."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = plugin / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    points = project["entry-points"]["kerasbert.tasks"].items()
    lines = "".join(f"{name} = {value}\n" for name, value in points)
    (info / "entry_points.txt").write_text(f"[kerasbert.tasks]\n{lines}")
    monkeypatch.syspath_prepend(str(plugin))
    yield plugin
    sys.modules.pop("kerasbert_my_task2", None)


def test_a_new_plugin_keeps_the_contract(installed: Path):
    task = get_task("my_task2")
    assert task.__name__ == "MyTask2"
    assert [(name, error) for name, error in run_checks(task) if error] == []


def test_its_own_tests_are_collected(plugin: Path):
    source = (plugin / "tests" / "test_my_task2_contract.py").read_text(encoding="utf-8")
    (test,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert test.name == "TestMyTask2"


def test_it_can_be_built_against_this_kerasbert(plugin: Path):
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = [Requirement(line) for line in project["dependencies"]]
    assert requirement.name == "kerasbert"
    assert requirement.specifier.contains(kerasbert.__version__, prereleases=True)
    assert (plugin / project["readme"]).is_file()


def test_nothing_of_the_template_is_left_over(plugin: Path):
    for path in plugin.rglob("*"):
        assert not re.search(r"\$|\.in$", path.name)
        if path.is_file():
            assert "$" not in path.read_text(encoding="utf-8"), path


def test_the_default_directory_is_named_after_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert create_plugin("my_task2") == Path("kerasbert-my-task2")
    assert (tmp_path / "kerasbert-my-task2" / "kerasbert_my_task2" / "__init__.py").is_file()


@pytest.mark.parametrize(
    "name", ["", "My", "2fast", "my-task", "my task", "class", "../up", "täsk", "_mine", "mine\n"]
)
def test_bad_names_are_refused(name: str, tmp_path: Path):
    with pytest.raises(UserError, match="NAME must be"):
        create_plugin(name, tmp_path / "plugin")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none", "true", "false"])
def test_no_name_gives_a_plugin_that_is_no_python(name: str, tmp_path: Path):
    try:
        plugin = create_plugin(name, tmp_path / "plugin")
    except UserError:
        return
    for path in plugin.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["mine_", "a__b"])
def test_no_name_gives_a_distribution_that_pip_refuses(name: str, tmp_path: Path):
    try:
        plugin = create_plugin(name, tmp_path / "plugin")
    except UserError:
        return
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Requirement(project["name"]).name == project["name"]


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_what_exists_is_refused(tmp_path: Path, kind: str):
    path = tmp_path / "plugin"
    path.mkdir() if kind == "directory" else path.write_text("mine")
    with pytest.raises(UserError, match=r"plugin: exists already"):
        create_plugin("mine", path)
    assert kind == "directory" or path.read_text() == "mine"

"""`kerasbert plugins new`: creates a working plugin to start from."""

import importlib.util
import keyword
import re
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from kerasbert.errors import UserError
from kerasbert.files import make_directory, wrap_write_errors, write_text
from kerasbert.tasks import list_tasks


def create_plugin(name: str, directory: Path | None = None) -> Path:
    """Writes a plugin for a task called `name` and returns its directory.

    Args:
        name: name of the task: lower-case letters, digits and underscores.
        directory: must not exist. None: kerasbert-NAME in the current directory.

    Raises:
        UserError: the name is not an identifier or is taken, or the directory exists.
    """
    class_name = "".join(map(str.capitalize, name.split("_")))
    if not re.fullmatch(r"[a-z](_?[a-z0-9])*", name):
        raise UserError(f"NAME must be lower-case letters, digits and underscores. Received: {name!r}")
    taken = _taken(name, class_name)
    if taken:
        raise UserError(f"NAME must be free: {name} is {taken}. Choose another name.")
    dashed = name.replace("_", "-")
    target = directory or Path(f"kerasbert-{dashed}")
    if target.exists():
        raise UserError(f"{target}: exists already. Name another with --output.")
    words = {"name": name, "dashed": dashed, "cls": class_name}
    with wrap_write_errors(target):
        _copy(files(__package__) / "files", target, words)
    return target


def _taken(name: str, class_name: str) -> str | None:
    """Returns why a task cannot be called `name`, or None."""
    for entry in list_tasks():
        if entry.name == name:
            return f"already the name of a task of {entry.distribution}"
    package = f"kerasbert_{name}"
    if _is_installed(package):
        return f"taken: the package {package} is already installed"
    # The name is used as a Python identifier: of modules, arguments and classes.
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or keyword.iskeyword(class_name):
        return "a keyword of Python"
    if name in sys.stdlib_module_names:
        return "a module of Python's standard library"
    return "an installed package" if _is_installed(name) else None


def _is_installed(package: str) -> bool:
    spec = importlib.util.find_spec(package)
    return spec is not None and spec.origin is not None  # None: a folder of the same name


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    make_directory(target)
    for entry in source.iterdir():
        # Template files end in .in so that tools do not treat them as code of this project.
        name = Template(entry.name.removesuffix(".in")).substitute(words)
        if entry.is_dir():
            folder = f"kerasbert_{words['name']}" if name == "package" else name
            _copy(entry, target / folder, words)
        else:
            write_text(target / name, Template(entry.read_text(encoding="utf-8")).substitute(words))

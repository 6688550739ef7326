"""`kerasbert plugins new`: a working plugin to start from."""

import keyword
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from kerasbert.errors import UserError
from kerasbert.files import explain_write_errors, make_directory, write_text


def create_plugin(name: str, directory: Path | None = None) -> Path:
    """Writes a plugin for a task called `name` and returns its directory.

    Args:
        name: of the task: lower-case letters, digits and underscores.
        directory: must not exist. None: kerasbert-NAME here.

    Raises:
        UserError: the name is not an identifier, or the directory exists.
    """
    class_name = "".join(map(str.capitalize, name.split("_")))
    if (
        not re.fullmatch(r"[a-z](_?[a-z0-9])*", name)
        or keyword.iskeyword(name)
        or keyword.iskeyword(class_name)
    ):
        raise UserError(f"NAME must be lower-case letters, digits and underscores. Received: {name!r}")
    dashed = name.replace("_", "-")
    target = directory or Path(f"kerasbert-{dashed}")
    if target.exists():
        raise UserError(f"{target}: exists already. Name another with --directory.")
    words = {"name": name, "dashed": dashed, "cls": class_name}
    with explain_write_errors(target):
        _copy(files(__package__) / "files", target, words)
    return target


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    make_directory(target)
    for entry in source.iterdir():
        # Template files end in .in so that no tool takes them for code of this project.
        name = Template(entry.name.removesuffix(".in")).substitute(words)
        if entry.is_dir():
            folder = f"kerasbert_{words['name']}" if name == "package" else name
            _copy(entry, target / folder, words)
        else:
            write_text(target / name, Template(entry.read_text(encoding="utf-8")).substitute(words))

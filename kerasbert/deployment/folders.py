"""The folders below a model directory that a server takes for versions."""

from pathlib import Path

from kerasbert.errors import UserError


def is_version(name: str) -> bool:
    """Whether a folder of this name is a version to a server."""
    return name.isascii() and name.isdigit()


def version_folders(model_dir: Path) -> dict[int, Path]:
    """Returns the folders of the versions, the oldest first."""
    if not model_dir.is_dir():
        return {}
    found = {int(path.name): path for path in model_dir.iterdir() if is_version(path.name)}
    return dict(sorted(found.items()))


def require_versions(model_dir: Path) -> dict[int, Path]:
    """Returns the folders of the versions.

    Raises:
        UserError: there is none.
    """
    folders = version_folders(model_dir)
    if not folders:
        raise UserError(f"{model_dir}: holds no version. Export one: kerasbert export RUN {model_dir}")
    return folders


def directory_size(directory: Path) -> int:
    """Returns the bytes of all files below."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())

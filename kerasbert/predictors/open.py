"""Opening what answers texts: a run directory, an exported SavedModel or a server."""

from pathlib import Path
from typing import TYPE_CHECKING

from kerasbert.deployment import version_folders
from kerasbert.errors import CheckpointError

if TYPE_CHECKING:
    from kerasbert.client import Client
    from kerasbert.models import TextClassifier
    from kerasbert.predictors.saved_model import SavedModel


def open_model(path: str | Path) -> "TextClassifier | SavedModel | Client":
    """Opens a run directory, an exported model with or without the version folder, or a server's URL.

    Raises:
        CheckpointError: it is neither, or it is damaged.
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.
    """
    if "://" in str(path):
        from kerasbert.client import Client

        client = Client(str(path))
        _ = client.labels  # asks the server
        return client
    from kerasbert.checkpoints import RunDirectory
    from kerasbert.predictors.saved_model import SavedModel

    path = Path(path)
    if RunDirectory.is_run(path):
        return RunDirectory(path).load()
    version = newest_version(path)
    if version is not None:
        return SavedModel(version)
    what = "there is no such directory" if not path.exists() else "it is neither"
    raise CheckpointError(f"{path}: must be a run directory or an exported model. Received: {what}.")


def newest_version(path: Path) -> Path | None:
    """Returns `path` if it is a SavedModel, else its folder with the highest number, or None."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = [p for p in version_folders(path).values() if (p / "saved_model.pb").is_file()]
    return versions[-1] if versions else None

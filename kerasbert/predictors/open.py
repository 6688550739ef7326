"""Opens a run directory, an exported SavedModel or a server."""

import os
from pathlib import Path

from kerasbert import progress
from kerasbert.errors import CheckpointError
from kerasbert.files import require_path
from kerasbert.layout import is_version, version_folders
from kerasbert.predictors.model import Model
from kerasbert.startup import quiet_import


def open_model(path: str | os.PathLike[str]) -> Model:
    """Opens a run directory, an exported model with or without the version folder, or a server's URL.

    Args:
        path: of a directory, or a URL: `http(s)://HOST[:PORT]/v1/models/NAME` for REST,
            `grpc(s)://HOST[:PORT]/NAME` for gRPC.

    Returns:
        An open model; see `kerasbert.Model` for its methods.

    Raises:
        CheckpointError: the path is neither a run nor an export, or it is damaged.
        UserError: `path` is not a path.
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.

    Examples:
        >>> model = kerasbert.open_model(run_dir)
        >>> model.labels
        ('negative', 'positive')
    """
    path = require_path(path, "path")
    if "://" in path:
        from kerasbert.predictors.served import ServedModel

        return ServedModel(path)
    with progress.phase("loading TensorFlow"), quiet_import():
        from kerasbert.checkpoints import RunDirectory
        from kerasbert.predictors.saved_model import SavedModel
        from kerasbert.predictors.trained import TrainedModel

    path = Path(path)
    with progress.phase(f"loading {path}"):
        if RunDirectory.is_run(path):
            return TrainedModel(RunDirectory(path).load(), str(path))
        version = newest_version(path)
        if version is not None:
            return SavedModel(version)
    what = "there is no such directory" if not path.exists() else "it is neither"
    raise CheckpointError(f"{path}: must be a run directory or an exported model. Received: {what}.")


def newest_version(path: Path) -> Path | None:
    """Returns `path` if it is a SavedModel, else its folder with the highest number, or None."""
    if is_version(path):
        return path
    versions = list(filter(is_version, version_folders(path).values()))
    return versions[-1] if versions else None

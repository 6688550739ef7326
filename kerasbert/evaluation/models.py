"""Opening what answers texts: a run directory, an exported SavedModel or a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from kerasbert.checkpoints import RunDirectory
from kerasbert.client import Client
from kerasbert.config import Config, DataConfig, parse_config, read_yaml
from kerasbert.deployment import version_folders
from kerasbert.errors import CheckpointError
from kerasbert.models import TextClassifier
from kerasbert.tasks import get_task

# Where an exported SavedModel keeps the configuration of its run. TensorFlow Serving ignores it.
EXPORTED_CONFIG = Path("assets.extra") / "kerasbert.yaml"


class Model(Protocol):
    """Anything that answers batches of texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of `probabilities`."""
        ...

    @property
    def data(self) -> DataConfig:
        """The columns of data files, and where the training rows were, as far as it is known."""
        ...

    @property
    def label_separator(self) -> str | None:
        """What stands between the labels of a row of data, where it may have several."""
        ...

    def predict(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the outputs for one batch, each with the batch as its first dimension."""
        ...


class SavedModel:
    """An exported model, run through its serving signature.

    Args:
        path: a version directory with `saved_model.pb`.
    """

    def __init__(self, path: Path):
        self._path = path
        self.config = parse_config(Config, read_yaml(path / EXPORTED_CONFIG), where=str(path))
        try:
            # The object must be kept: its signatures hold its variables only weakly.
            self._loaded = tf.saved_model.load(str(path))
            self._serve = self._loaded.signatures["serving_default"]
            empty = tf.train.Example().SerializeToString()
            classes = self._loaded.signatures["classify"](inputs=tf.constant([empty]))["classes"]
        except (OSError, tf.errors.OpError, LookupError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise CheckpointError(f"{path}: cannot be loaded ({reason}).") from error
        self.labels = tuple(label.decode() for label in classes.numpy()[0])

    @property
    def data(self) -> DataConfig:
        """The data it was trained on."""
        return self.config.data

    @property
    def label_separator(self) -> str | None:
        """What stands between the labels of a row of data. Only this needs the task's plugin."""
        return get_task(self.config.task).label_separator

    def predict(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of `serving_default` for one batch."""
        return _ask(self._serve, text=texts, pair=pairs)

    def explain(
        self,
        texts: Sequence[str | bytes],
        pairs: Sequence[str | bytes] | None = None,
        label: str | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of `explain` for one batch and a label, or the decided labels.

        Raises:
            CheckpointError: the model was exported without that signature.
        """
        if "explain" not in self._loaded.signatures:
            raise CheckpointError(
                f"{self._path}: was exported without the signature `explain`. Export the run anew."
            )
        labels = [label or ""] * len(texts)
        return _ask(self._loaded.signatures["explain"], text=texts, pair=pairs, label=labels)


def _ask(signature: Any, **columns: Sequence[str | bytes] | None) -> dict[str, np.ndarray]:
    feeds = {
        name: tf.constant(list(column), tf.string, shape=[len(column)])
        for name, column in columns.items()
        if column is not None
    }
    return {name: value.numpy() for name, value in signature(**feeds).items()}


def open_model(path: str | Path) -> TextClassifier | SavedModel | Client:
    """Opens a run directory, an exported model with or without the version folder, or a server's URL.

    Raises:
        CheckpointError: it is neither, or it is damaged.
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.
    """
    if "://" in str(path):
        client = Client(str(path))
        _ = client.labels  # asks the server
        return client
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

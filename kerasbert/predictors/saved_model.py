"""An exported model in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.config import Config, DataConfig, parse_config, read_yaml
from kerasbert.errors import CheckpointError, one_line
from kerasbert.layout import EXPORTED_CONFIG
from kerasbert.predictors.model import Model
from kerasbert.tasks import get_task


class SavedModel(Model):
    """An exported model, run through its serving signature.

    Args:
        path: a version directory with `saved_model.pb`.
    """

    def __init__(self, path: Path):
        super().__init__(str(path))
        self.config = parse_config(Config, read_yaml(path / EXPORTED_CONFIG), where=str(path))
        try:
            # The object must be kept: its signatures hold its variables only weakly.
            self._loaded = tf.saved_model.load(str(path))
            self._serve = self._loaded.signatures["serving_default"]
            empty = tf.train.Example().SerializeToString()
            classes = self._loaded.signatures["classify"](inputs=tf.constant([empty]))["classes"]
        except (OSError, tf.errors.OpError, LookupError, ValueError) as error:
            reason = one_line(error)
            raise CheckpointError(f"{path}: cannot be loaded ({reason}).") from error
        self._labels = tuple(label.decode() for label in classes.numpy()[0])

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of `probabilities`."""
        return self._labels

    @property
    def takes_pairs(self) -> bool:
        """Whether a row is two texts."""
        return self.data.pair_column is not None

    @property
    def data(self) -> DataConfig:
        """The data it was trained on."""
        return self.config.data

    @property
    def label_separator(self) -> str | None:
        """What stands between the labels of a row of data. Only this needs the task's plugin."""
        return get_task(self.config.task).label_separator

    def predict_batch(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of `serving_default` for one batch."""
        return _ask(self._serve, text=texts, pair=pairs)

    def explain_batch(
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
                f"{self.source}: was exported without the signature `explain`. Export the run anew."
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

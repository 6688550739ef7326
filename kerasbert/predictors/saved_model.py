"""An exported model in this process."""

from pathlib import Path

import tensorflow as tf

from kerasbert.config import read_resolved_config
from kerasbert.errors import CheckpointError, one_line
from kerasbert.layout import EXPORTED_CONFIG
from kerasbert.predictors.export import Export
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.texts import Batch
from kerasbert.text import string_tensor


class SavedModel(Export):
    """An exported model, run by TensorFlow in this process.

    Args:
        path: a version directory with `saved_model.pb`.
    """

    def __init__(self, path: Path):
        config = read_resolved_config(path / EXPORTED_CONFIG)
        try:
            # Kept, since its signatures hold its variables only weakly.
            self._loaded = tf.saved_model.load(str(path))
            super().__init__(path, config, self._loaded.signatures)
        except (OSError, tf.errors.OpError, LookupError, ValueError) as error:
            reason = one_line(error)
            raise CheckpointError(f"{path}: cannot be loaded ({reason}).") from error

    def _ask(self, signature: str, **columns: Batch | None) -> Arrays:
        feeds = {name: string_tensor(column) for name, column in columns.items() if column is not None}
        return {name: value.numpy() for name, value in self._loaded.signatures[signature](**feeds).items()}

"""An exported model in this process."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from kerasbert.config import read_resolved_config
from kerasbert.errors import CheckpointError, one_line
from kerasbert.layout import EXPORTED_CONFIG
from kerasbert.predictors.model import Model
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.text_encoder import require_mean
from kerasbert.predictors.texts import Batch
from kerasbert.tasks import get_task
from kerasbert.text import string_tensor


class SavedModel(Model):
    """An exported model, run through its serving signature.

    Args:
        path: a version directory with `saved_model.pb`.
    """

    def __init__(self, path: Path):
        self.config = read_resolved_config(path / EXPORTED_CONFIG)
        try:
            # Kept, since its signatures hold its variables only weakly.
            self._loaded = tf.saved_model.load(str(path))
            self._serve = self._loaded.signatures["serving_default"]
            empty = tf.train.Example().SerializeToString()
            classes = self._loaded.signatures["classify"](inputs=tf.constant([empty]))["classes"]
        except (OSError, tf.errors.OpError, LookupError, ValueError) as error:
            reason = one_line(error)
            raise CheckpointError(f"{path}: cannot be loaded ({reason}).") from error
        super().__init__(str(path), tuple(label.decode() for label in classes.numpy()[0]), self.config.data)
        self.temperature = self.config.decision.temperature

    @property
    def label_separator(self) -> str | None:
        """The separator of labels in data files. Only this needs the task's plugin."""
        return get_task(self.config.task).label_separator

    def predict_batch(self, texts: Batch, pairs: Batch | None = None) -> Arrays:
        """Returns the outputs of `serving_default` for one batch."""
        return _ask(self._serve, text=texts, pair=pairs)

    def explain_batch(self, texts: Batch, pairs: Batch | None = None, label: str | None = None) -> Arrays:
        """Returns the outputs of `explain` for one batch and a label, or the decided labels.

        Raises:
            CheckpointError: the model was exported without that signature.
        """
        labels = [label or ""] * len(texts)
        return _ask(self._signature("explain", "Export the run again."), text=texts, pair=pairs, label=labels)

    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns the outputs of `embed` for one batch.

        Raises:
            CheckpointError: the model was exported without that signature.
            UserError: the pooling is another.
        """
        signature = self._signature(
            "embed", "Export the run again: kerasbert export RUN MODEL_DIR --signature embed"
        )
        require_mean(self.source, pooling)
        return _ask(signature, text=texts, pair=pairs)

    def _signature(self, name: str, remedy: str) -> Any:
        if name not in self._loaded.signatures:
            raise CheckpointError(f"{self.source}: was exported without the signature `{name}`. {remedy}")
        return self._loaded.signatures[name]


def _ask(signature: Any, **columns: Batch | None) -> Arrays:
    feeds = {name: string_tensor(column) for name, column in columns.items() if column is not None}
    return {name: value.numpy() for name, value in signature(**feeds).items()}

"""What exported models have in common, whichever loader runs them."""

import abc
from collections.abc import Collection
from pathlib import Path

from kerasbert.config import ResolvedConfig
from kerasbert.errors import CheckpointError
from kerasbert.predictors.model import Model
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.text_encoder import require_mean
from kerasbert.predictors.texts import Batch


class Export(Model):
    """An exported model, run through its signatures.

    Args:
        path: the version directory.
        config: the one beside the graph.
        signatures: their names.

    Raises:
        LookupError: `classify` or `serving_default`, or an input or output of theirs, is not there.
    """

    def __init__(self, path: Path, config: ResolvedConfig, signatures: Collection[str]):
        self._names = frozenset(signatures)
        if "serving_default" not in self._names:
            raise LookupError("serving_default")
        # The graph knows its labels; an Example without features has no bytes.
        classes = self._ask("classify", inputs=[b""])["classes"]
        super().__init__(str(path), tuple(label.decode() for label in classes[0]), config.data)
        self.config, self.temperature = config, config.decision.temperature

    @property
    def label_separator(self) -> str | None:
        """The separator of labels in data files. Only this needs the task's plugin."""
        from kerasbert.tasks import get_task

        return get_task(self.config.task).label_separator

    def predict_batch(self, texts: Batch, pairs: Batch | None = None) -> Arrays:
        """Returns the outputs of `serving_default` for one batch."""
        return self._ask("serving_default", text=texts, pair=pairs)

    def explain_batch(self, texts: Batch, pairs: Batch | None = None, label: str | None = None) -> Arrays:
        """Returns the outputs of `explain` for one batch and a label, or the decided labels.

        Raises:
            CheckpointError: the model was exported without that signature.
        """
        self._require("explain", "Export the run again.")
        return self._ask("explain", text=texts, pair=pairs, label=[label or ""] * len(texts))

    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns the outputs of `embed` for one batch.

        Raises:
            CheckpointError: the model was exported without that signature.
            UserError: the pooling is another.
        """
        self._require("embed", "Export the run again: kerasbert export RUN MODEL_DIR --signature embed")
        require_mean(self.source, pooling)
        return self._ask("embed", text=texts, pair=pairs)

    def _require(self, signature: str, remedy: str) -> None:
        if signature not in self._names:
            raise CheckpointError(
                f"{self.source}: was exported without the signature `{signature}`. {remedy}"
            )

    @abc.abstractmethod
    def _ask(self, signature: str, **columns: Batch | None) -> Arrays:
        """Returns the outputs of a signature for one batch; a column of None is not an input."""

"""What a run directory, an exported SavedModel and a server have in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from kerasbert.config import DataConfig

if TYPE_CHECKING:
    import numpy as np


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
    ) -> "dict[str, np.ndarray]":
        """Returns the outputs for one batch, each with the batch as its first dimension."""
        ...

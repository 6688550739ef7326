"""A model behind a server."""

from collections.abc import Sequence

import numpy as np

from kerasbert.client import Client
from kerasbert.config import DataConfig
from kerasbert.predictors.model import Model


class ServedModel(Model):
    """A model behind TensorFlow Serving or `kerasbert serve`.

    Args:
        url: see `kerasbert.Client`.

    Raises:
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.
    """

    batch_size = None  # the client makes them, and has several under way

    def __init__(self, url: str):
        super().__init__(url)
        self.client = Client(url)
        _ = self.labels  # asks the server

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of `probabilities`."""
        return self.client.labels

    @property
    def takes_pairs(self) -> bool:
        """Whether a row is two texts."""
        return self.client.takes_pairs

    @property
    def data(self) -> DataConfig:
        """The columns of data files, which a server does not tell: text, label, and pair."""
        return self.client.data

    @property
    def label_separator(self) -> str | None:
        """What stands between the labels of a row of data, where it may have several."""
        return self.client.label_separator

    def predict_batch(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the task's outputs for any number of texts."""
        return self.client.predict(texts, pairs)

    def explain_batch(
        self,
        texts: Sequence[str | bytes],
        pairs: Sequence[str | bytes] | None = None,
        label: str | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of `explain` for any number of texts and a label, or the decided labels."""
        return self.client.explain(texts, pairs, label)

"""A model behind a server."""

from kerasbert.client import Client
from kerasbert.predictors.model import Model
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.text_encoder import require_mean
from kerasbert.predictors.texts import Batch


class ServedModel(Model):
    """A model behind TensorFlow Serving or `kerasbert serve`.

    Args:
        url: see `kerasbert.Client`.

    Raises:
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.
    """

    batch_size = None  # the client splits into batches, and sends several at once

    def __init__(self, url: str):
        self.client = Client(url)
        super().__init__(url, self.client.labels, self.client.data)

    @property
    def label_separator(self) -> str | None:
        """The separator of labels in data files, if a row may have several."""
        return self.client.label_separator

    def predict_batch(self, texts: Batch, pairs: Batch | None = None) -> Arrays:
        """Returns the task's outputs for any number of texts."""
        return self.client.predict(texts, pairs)

    def explain_batch(self, texts: Batch, pairs: Batch | None = None, label: str | None = None) -> Arrays:
        """Returns the outputs of `explain` for any number of texts and a label, or the decided labels."""
        return self.client.explain(texts, pairs, label)

    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns the outputs of `embed` for any number of texts."""
        require_mean(self.source, pooling)
        return self.client.embed(texts, pairs)

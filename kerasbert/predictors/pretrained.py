"""An encoder without a classifier."""

from functools import partial

import tensorflow as tf

from kerasbert.checkpoints import BackboneSource
from kerasbert.checkpoints.sentence_transformers import read_vector_settings
from kerasbert.config import DataConfig
from kerasbert.errors import UserError
from kerasbert.inference import PackedEncoder
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.text_encoder import TextEncoder
from kerasbert.predictors.texts import Batch
from kerasbert.predictors.vector_graph import VectorGraph
from kerasbert.text import TextGraph


class PretrainedEncoder(TextEncoder):
    """An encoder of any source, with its own tokenizer.

    It reads as many tokens as it has positions, or fewer if a folder of Sentence Transformers says so.

    Args:
        opened: the source.
        source: its name or path.
        precision: of the products, `float32` or `bfloat16`.
    """

    def __init__(self, opened: BackboneSource, source: str, precision: str = "float32"):
        super().__init__(source, DataConfig())
        self._settings = read_vector_settings(opened.directory)
        positions = opened.config.max_positions
        length = min(positions, self._settings.max_length or positions)
        text_graph = TextGraph(opened.vocabulary, length, **opened.text)
        encoder = PackedEncoder(opened.backbone, tf.as_dtype(precision), int8=False)
        self._vectors = VectorGraph(text_graph, partial(encoder, return_sequence=True), takes_pairs=False)

    @property
    def pooling(self) -> str:
        """What its folder says, if Sentence Transformers saved it; else `mean`.

        Raises:
            UserError: the folder says something that kerasbert does not compute.
        """
        if self._settings.pooling is None:
            raise UserError(
                f"{self.source}: {self._settings.reason}, which kerasbert does not compute. For vectors "
                "without it, set the pooling: mean, cls or max"
            )
        return self._settings.pooling

    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns `vector`, float32 [batch, hidden]."""
        return self._vectors(texts, pairs, pooling)

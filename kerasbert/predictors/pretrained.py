"""An encoder without a classifier."""

from kerasbert.checkpoints import BackboneSource
from kerasbert.config import DataConfig
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.text_encoder import TextEncoder
from kerasbert.predictors.texts import Batch
from kerasbert.predictors.vector_graph import VectorGraph
from kerasbert.text import TextGraph


class PretrainedEncoder(TextEncoder):
    """An encoder of any source, with its own tokenizer. It reads as many tokens as it has positions.

    Args:
        opened: the source.
        source: its name or path.
    """

    def __init__(self, opened: BackboneSource, source: str):
        super().__init__(source, DataConfig())
        text_graph = TextGraph(opened.vocabulary, opened.config.max_positions, **opened.text)
        self._vectors = VectorGraph(text_graph, opened.backbone, takes_pairs=False)

    def embed_batch(self, texts: Batch, pairs: Batch | None = None, pooling: str = "mean") -> Arrays:
        """Returns `vector`, float32 [batch, hidden]."""
        return self._vectors(texts, pairs, pooling)

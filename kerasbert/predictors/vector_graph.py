"""Texts to vectors in this process."""

from functools import cache
from typing import Any

import tensorflow as tf

from kerasbert.models import text_vectors
from kerasbert.models.windows import Encode
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.text_encoder import VECTOR
from kerasbert.predictors.texts import Batch
from kerasbert.text import TextGraph, string_tensor


class VectorGraph:
    """A text graph and an encoder, traced once for each pooling.

    Args:
        text_graph: of the encoder.
        encode: see `text_vectors`.
        takes_pairs: whether a row is two texts.
    """

    def __init__(self, text_graph: TextGraph, encode: Encode, takes_pairs: bool):
        signature = [tf.TensorSpec([None], tf.string)] * (1 + takes_pairs)

        @cache
        def traced(pooling: str) -> Any:
            def graph(text: tf.Tensor, pair: tf.Tensor | None = None) -> tf.Tensor:
                return text_vectors(text_graph, encode, text, pair, pooling)

            return tf.function(graph, input_signature=signature)

        self._traced = traced

    def __call__(self, texts: Batch, pairs: Batch | None, pooling: str) -> Arrays:
        """Returns `vector`, float32 [batch, hidden]."""
        columns = [string_tensor(column) for column in (texts, pairs) if column is not None]
        return {VECTOR: self._traced(pooling)(*columns).numpy()}

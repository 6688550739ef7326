"""The parts of KerasHub's BERT that have no public names: reached here and nowhere else."""

from dataclasses import dataclass

import keras
import keras_nlp
import tensorflow as tf


@dataclass(frozen=True)
class Sublayers:
    """The Keras layers of one transformer layer.

    Attributes:
        query: kernel [hidden, heads, width], bias [heads, width]; `key` and `value` likewise.
        attention_dropout: over the attention weights.
        attention_output: kernel [heads, width, hidden], bias [hidden].
        intermediate: the first dense layer of the feed-forward network, with its activation.
        output: the second one.
    """

    query: keras.layers.EinsumDense
    key: keras.layers.EinsumDense
    value: keras.layers.EinsumDense
    attention_dropout: keras.layers.Dropout
    attention_output: keras.layers.EinsumDense
    attention_output_dropout: keras.layers.Dropout
    attention_norm: keras.layers.LayerNormalization
    intermediate: keras.layers.Dense
    output: keras.layers.Dense
    output_dropout: keras.layers.Dropout
    output_norm: keras.layers.LayerNormalization


def sublayers(layer: keras_nlp.layers.TransformerEncoder) -> Sublayers:
    """Returns the layers inside `layer`, which must be built."""
    attention = layer._self_attention_layer
    return Sublayers(
        query=attention.query_dense,
        key=attention.key_dense,
        value=attention.value_dense,
        attention_dropout=attention._dropout_layer,
        attention_output=attention.output_dense,
        attention_output_dropout=layer._self_attention_dropout,
        attention_norm=layer._self_attention_layer_norm,
        intermediate=layer._feedforward_intermediate_dense,
        output=layer._feedforward_output_dense,
        output_dropout=layer._feedforward_dropout,
        output_norm=layer._feedforward_layer_norm,
    )


def embedding_tables(backbone: keras_nlp.models.BertBackbone) -> tuple[tf.Variable, tf.Variable, tf.Variable]:
    """Returns the tables of tokens, positions and segments, [rows, hidden], in the precision of the weights.

    In mixed precision `value` is the whole table cast, for the few rows that a batch takes of it.
    """
    return (
        backbone.token_embedding.embeddings._value,
        backbone.position_embedding.position_embeddings._value,
        backbone.segment_embedding.embeddings._value,
    )

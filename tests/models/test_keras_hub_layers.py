"""What KerasHub and Keras call the parts that have no public names."""

from dataclasses import fields

import keras
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.models.keras_hub_layers import Sublayers, embedding_tables, sublayers


@pytest.fixture(scope="module")
def backbone() -> keras_nlp.models.BertBackbone:
    return keras_nlp.models.BertBackbone(9, 1, 2, 8, 12, max_sequence_length=4, dtype="mixed_bfloat16")


def test_the_sublayers_hold_all_weights_of_a_layer_in_the_known_shapes(backbone):
    (layer,) = backbone.transformer_layers
    parts = sublayers(layer)
    assert parts.query.kernel.shape == parts.key.kernel.shape == parts.value.kernel.shape == (8, 2, 4)
    assert parts.query.bias.shape == (2, 4)
    assert parts.attention_output.kernel.shape == (2, 4, 8)
    assert (parts.intermediate.kernel.shape, parts.output.kernel.shape) == ((8, 12), (12, 8))
    held = [weight.path for field in fields(Sublayers) for weight in getattr(parts, field.name).weights]
    assert sorted(held) == sorted(weight.path for weight in layer.weights)


def test_the_sublayers_have_their_roles(backbone):
    parts = sublayers(backbone.transformer_layers[0])
    names = {field.name: getattr(parts, field.name).name for field in fields(Sublayers)}
    assert names.pop("attention_dropout").startswith("dropout")  # Keras gives it no name
    assert names == {
        "query": "query",
        "key": "key",
        "value": "value",
        "attention_output": "attention_output",
        "attention_output_dropout": "self_attention_dropout",
        "attention_norm": "self_attention_layer_norm",
        "intermediate": "feedforward_intermediate_dense",
        "output": "feedforward_output_dense",
        "output_dropout": "feedforward_dropout",
        "output_norm": "feedforward_layer_norm",
    }
    dropouts = (parts.attention_dropout, parts.attention_output_dropout, parts.output_dropout)
    assert all(isinstance(layer, keras.layers.Dropout) and layer.rate == 0.1 for layer in dropouts)


def test_the_tables_are_the_weights_themselves_in_their_own_precision(backbone):
    tables = embedding_tables(backbone)
    assert [table.shape.as_list() for table in tables] == [[9, 8], [4, 8], [2, 8]]
    assert all(isinstance(table, tf.Variable) and table.dtype == tf.float32 for table in tables)
    for table, weight in zip(tables, backbone.weights, strict=False):
        np.testing.assert_array_equal(table, weight.numpy())

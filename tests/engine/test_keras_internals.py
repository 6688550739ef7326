"""What kerasbert.engine relies on: private names of Keras 3.15, and defects that it works around.

A failure here means that Keras has changed. Where a defect is gone, remove its workaround from
kerasbert/engine/trainer.py or optimizer.py too; where a name is gone, find another way.
"""

import inspect

import keras
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from ..support import on_replicas


def small_model(mask: str = "int32", dropout: float = 0.0) -> keras.Model:
    numbers, padding_mask = keras.Input((3,)), keras.Input((3,), dtype=mask)
    hidden = keras.layers.Dropout(dropout)(numbers * keras.ops.cast(padding_mask, "float32"))
    return keras.Model([numbers, padding_mask], keras.layers.Dense(2)(hidden))


def test_keras_is_the_one_that_was_studied():
    assert keras.__version__.startswith("3.15.")


@pytest.mark.parametrize(
    "name",
    [
        "_all_reduce_sum_gradients", "_backend_update_step", "_clip_gradients",
        "_distributed_tf_update_step", "scale_loss",
    ],
)  # fmt: skip
def test_the_optimizer_has_the_names_we_use(name: str):
    assert callable(getattr(keras.optimizers.AdamW, name))


def test_an_optimizer_knows_its_strategy(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        assert keras.optimizers.AdamW()._distribution_strategy is mirrored


def test_the_moments_are_where_the_fused_update_finds_them():
    optimizer = keras.optimizers.AdamW()
    weights = [keras.Variable(np.ones(size, np.float32)) for size in (2, 3)]
    optimizer.build(weights)
    for moments in (optimizer._momentums, optimizer._velocities):
        assert [tuple(moment.shape) for moment in moments] == [(2,), (3,)]
    assert [optimizer._get_variable_index(weight) for weight in weights] == [0, 1]


def test_private_methods_take_the_arguments_we_give():
    def parameters(method) -> list[str]:
        return list(inspect.signature(method).parameters)[1:]

    optimizer = keras.optimizers.AdamW
    assert parameters(optimizer._backend_update_step) == ["grads", "trainable_variables", "learning_rate"]
    assert parameters(optimizer._clip_gradients) == ["grads"]
    assert parameters(optimizer._distributed_tf_update_step) == [
        "distribution", "grads_and_vars", "learning_rate",
    ]  # fmt: skip


def test_tensorflow_has_the_internal_name_we_use():
    assert callable(tf.__internal__.distribute.interim.maybe_merge_call)


def test_dropout_seeds_are_found_by_their_path():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dropout(0.5)])
    seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
    assert [tuple(seed.shape) for seed in seeds] == [(2,), (2,)]
    assert all(seed not in model.weights for seed in seeds)


# The defects, each shown on stock Keras.


@pytest.mark.parametrize("repeats", [4, 9])
def test_adam_still_squares_duplicate_rows_one_by_one(repeats: int):
    variable = keras.Variable(np.zeros((2, 1)), name="embeddings")
    rows = tf.IndexedSlices(tf.ones((repeats, 1)), tf.zeros(repeats, tf.int32), tf.constant([2, 1]))
    keras.optimizers.AdamW(1e-3, weight_decay=0).apply_gradients([(rows, variable)])
    step = -float(variable.numpy()[0, 0])
    assert step == pytest.approx(1e-3 * np.sqrt(repeats), rel=1e-3), "it was wrong by the root of the repeats"


def test_an_embedding_still_has_sparse_gradients_with_duplicate_rows():
    backbone = keras_nlp.models.BertBackbone(
        vocabulary_size=5, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=4
    )
    ids = tf.ones((3, 4), tf.int32)
    with tf.GradientTape() as tape:
        outputs = backbone({"token_ids": ids, "segment_ids": ids * 0, "padding_mask": ids})
        loss = tf.reduce_sum(outputs["sequence_output"] ** 3)
    gradient = tape.gradient(loss, backbone.token_embedding.embeddings.value)
    assert isinstance(gradient, tf.IndexedSlices)
    assert gradient.indices.numpy().tolist() == [1] * 12


def test_the_norm_of_sparse_gradients_is_still_too_small():
    variable = keras.Variable(np.zeros((1, 1)), name="embeddings")
    rows = tf.IndexedSlices(tf.ones((4, 1)), tf.zeros(4, tf.int32), tf.constant([1, 1]))
    keras.optimizers.SGD(1.0, global_clipnorm=1.0).apply_gradients([(rows, variable)])
    assert variable.numpy()[0, 0] == pytest.approx(-2.0), "a step clipped to 1 was 2 long"


def test_gradients_are_still_clipped_before_they_are_summed(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        variable = keras.Variable(np.zeros(1), name="kernel")
        optimizer = keras.optimizers.SGD(1.0, global_clipnorm=1.0)
        optimizer.build([variable])

    def step() -> tf.Tensor:
        optimizer.apply_gradients([(tf.constant([5.0]), variable)])
        return tf.identity(variable.value)

    for replica in on_replicas(mirrored, step):
        assert replica[0] == pytest.approx(-2.0), "a step clipped to 1 was as long as there are replicas"


def test_dropout_is_still_the_same_on_every_replica(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        model = small_model(dropout=0.5)
    features = [tf.ones((20, 3)), tf.ones((20, 3), tf.int32)]
    one, two = on_replicas(mirrored, lambda: model(features, training=True))
    np.testing.assert_array_equal(one, two)


def test_weight_decay_can_be_excluded_by_the_last_part_of_the_path():
    backbone = keras_nlp.models.BertBackbone(
        vocabulary_size=5, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=4
    )
    optimizer = keras.optimizers.AdamW(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    for weight in backbone.trainable_weights:
        weight.assign(np.ones(weight.shape))
    optimizer.apply_gradients((tf.zeros(weight.shape), weight) for weight in backbone.trainable_weights)
    for weight in backbone.trainable_weights:
        decayed = 1.0 if weight.path.endswith(("/bias", "/gamma", "/beta")) else 0.5
        assert np.all(weight.numpy() == decayed), weight.path

import math
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import Config, EncoderConfig, HeadConfig, TrainingConfig
from kerasbert.engine.optimizer import ReplicatedAdamW, build_optimizer
from kerasbert.engine.schedule import build_schedule
from kerasbert.engine.strategy import distribute
from kerasbert.engine.trainer import Totals, Trainer
from kerasbert.models import build_backbone, build_model
from kerasbert.tasks import Classification
from kerasbert.training.objective import build_objective

from ..support import on_replicas

SIZES = EncoderConfig(
    activation="gelu_tanh",
    num_layers=1,
    hidden_dim=16,
    num_heads=2,
    intermediate_dim=24,
    max_positions=8,
    dropout=0.0,
)
# [CLS], [SEP] and [PAD] occur in each row, and so do some of the others.
IDS = [[2, 5, 5, 5, 6, 3, 0, 0], [2, 5, 7, 3, 0, 0, 0, 0], [2, 6, 6, 5, 7, 8, 5, 3], [2, 7, 3, 0, 0, 0, 0, 0]]
RATE = 1e-3


def build(
    optimizer: keras.optimizers.Optimizer,
    dropout: float = 0.0,
    pooling: str = "mean",
    parts: int = 1,
) -> Trainer:
    keras.utils.set_random_seed(1)
    sizes = SIZES.model_copy(update={"dropout": dropout})
    head = HeadConfig(pooling=pooling, dropout=dropout)
    model = build_model(build_backbone(sizes, 10), Classification("abc"), head)
    objective = build_objective(model, Classification("abc"), Config())
    return Trainer(model, optimizer, objective, tf.distribute.get_strategy(), parts)


def inputs(rows: list[list[int]] = IDS) -> dict[str, tf.Tensor]:
    ids = tf.constant(rows)
    return {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.cast(ids != 0, tf.int32)}


def batch() -> tuple:
    return inputs(), tf.constant(np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]), tf.constant([1.0, 2.0, 0.5, 1.0])


def fit(trainer: Trainer, *batches: tuple) -> dict[str, float]:
    dataset = tf.data.Dataset.from_tensor_slices(batches[0]).batch(4)
    for more in batches[1:]:
        dataset = dataset.concatenate(tf.data.Dataset.from_tensor_slices(more).batch(4))
    iterator, totals = distribute(trainer.strategy, dataset), Totals()
    for _ in batches:
        totals.add(trainer.step(iterator))
    return totals.means()


def dense_gradients(trainer: Trainer, data: tuple) -> dict[str, np.ndarray]:
    """Gradients of the weighted mean loss; rows of sparse ones are summed by numpy."""
    features, targets, weights = data
    with tf.GradientTape() as tape:
        losses = tf.nn.softmax_cross_entropy_with_logits(targets, trainer.model(features, training=True))
        loss = tf.reduce_mean(losses * weights)
    sparse = tape.gradient(loss, [weight.value for weight in trainer.model.trainable_weights])
    dense = {}
    for weight, gradient in zip(trainer.model.trainable_weights, sparse, strict=True):
        if isinstance(gradient, tf.IndexedSlices):
            array = np.zeros(weight.shape)
            np.add.at(array, gradient.indices.numpy(), gradient.values.numpy().astype(np.float64))
            dense[weight.path] = array
        elif gradient is not None:
            dense[weight.path] = gradient.numpy().astype(np.float64)
    return dense


def first_adam_step(gradient: np.ndarray) -> np.ndarray:
    """Kingma & Ba 2015, the efficient form at the end of section 2."""
    alpha = RATE * math.sqrt(1 - 0.999) / (1 - 0.9)
    return -alpha * 0.1 * gradient / (np.sqrt(0.001 * gradient**2) + 1e-6)


@pytest.mark.process
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_a_step_is_that_of_dense_gradients(clip_norm: float | None):
    settings = {"learning_rate": RATE, "schedule": "constant", "warmup_fraction": 0.0, "weight_decay": 0.0}
    config = TrainingConfig(**settings, clip_norm=clip_norm)
    trainer = build(build_optimizer(config, build_schedule(config, 1)))
    gradients = dense_gradients(trainer, batch())
    norm = math.sqrt(sum(np.sum(gradient**2) for gradient in gradients.values()))
    factor = min(1.0, clip_norm / norm) if clip_norm else 1.0
    assert clip_norm is None or factor < 0.5
    before = {weight.path: weight.numpy() for weight in trainer.model.trainable_weights}
    fit(trainer, batch())
    for weight in trainer.model.trainable_weights:
        step = first_adam_step(factor * gradients[weight.path]) if weight.path in gradients else 0.0
        np.testing.assert_allclose(weight.numpy(), before[weight.path] + step, atol=1e-6, err_msg=weight.path)
    assert any("token_embedding" in path for path in gradients)


@pytest.mark.process
def test_weights_that_the_head_does_not_use_stay_as_they_are():
    trainer = build(ReplicatedAdamW(RATE), pooling="mean")
    pooler = trainer.model.encoder.get_layer("pooled_dense")
    before = pooler.get_weights()
    fit(trainer, batch())
    assert all(np.array_equal(a, b) for a, b in zip(before, pooler.get_weights(), strict=True))


@pytest.mark.process
def test_the_reported_loss_is_the_weighted_mean():
    trainer = build(keras.optimizers.SGD(0.0))
    features, targets, weights = batch()
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, trainer.model(features, training=False))
    expected = float(tf.reduce_mean(losses * weights))
    assert fit(trainer, batch(), batch())["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.process
def test_dropout_differs_between_replicas(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        trainer = build(ReplicatedAdamW(RATE), dropout=0.5)
    features = inputs()
    one, two = on_replicas(mirrored, lambda: trainer.model(features, training=True))
    np.testing.assert_array_equal(one, two)  # what is to be mended
    trainer.separate_dropout()
    one, two = on_replicas(mirrored, lambda: trainer.model(features, training=True))
    assert np.all(np.abs(one - two).max(axis=1) > 1e-4)


@pytest.mark.process
def test_every_dropout_layer_is_separated(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        trainer = build(ReplicatedAdamW(RATE), dropout=0.5)
    trainer.separate_dropout()
    seeds = [v for v in trainer.model.variables if "seed" in v.path]
    dropouts = [layer for layer in trainer.model._flatten_layers() if getattr(layer, "seed_generator", None)]
    assert len(seeds) >= len(dropouts) > 3
    for seed in seeds:
        one, two = on_replicas(mirrored, lambda seed=seed: tf.identity(seed.value))
        assert one[0] != two[0]
        assert one[1] == two[1]


@pytest.mark.process
def test_separated_dropout_keeps_differing_from_step_to_step(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        trainer = build(ReplicatedAdamW(RATE), dropout=0.5)
    trainer.separate_dropout()
    features = inputs()
    outputs = []
    for _ in range(3):
        outputs += on_replicas(mirrored, lambda: trainer.model(features, training=True))
    assert len({output.tobytes() for output in outputs}) == 6


@pytest.mark.process
def test_separated_dropout_leaves_inference_alone(mirrored: tf.distribute.Strategy):
    with mirrored.scope():
        trainer = build(ReplicatedAdamW(RATE), dropout=0.5)
    trainer.separate_dropout()
    features = inputs()
    one, two = on_replicas(mirrored, lambda: trainer.model(features, training=False))
    np.testing.assert_array_equal(one, two)


def test_one_device_keeps_its_seeds():
    trainer = build(ReplicatedAdamW(RATE), dropout=0.5)
    seeds = [variable for variable in trainer.model.variables if "seed" in variable.path]
    before = [seed.numpy() for seed in seeds]
    trainer.separate_dropout()
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, seeds, strict=True))


@pytest.mark.process
@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_add_up_to_the_whole(parts: int):
    whole, in_parts = (build(ReplicatedAdamW(RATE, global_clipnorm=0.05), parts=n) for n in (1, parts))
    assert fit(in_parts, batch(), batch())["loss"] == pytest.approx(fit(whole, batch(), batch())["loss"])
    for one, other in zip(whole.model.weights, in_parts.model.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=one.path)


_PEAK = """
import tensorflow as tf
from kerasbert.config import Config, EncoderConfig
from kerasbert.models import build_backbone, build_model
from kerasbert.tasks import Classification
from kerasbert.training.objective import build_objective
from kerasbert.engine.optimizer import build_optimizer
from kerasbert.engine.schedule import build_schedule
from kerasbert.engine.trainer import Trainer

config, task, strategy = Config(), Classification("ab"), tf.distribute.get_strategy()
sizes = EncoderConfig(
    activation="gelu_tanh", num_layers=2, hidden_dim=32, num_heads=2, intermediate_dim=64, max_positions=128
)
model = build_model(build_backbone(sizes, 10), task, config.head)
objective = build_objective(model, task, config)
ids = tf.fill([64, 128], 5)
inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": tf.ones_like(ids)}
batch = inputs, tf.one_hot([0, 1] * 32, 2), tf.ones([64])
for parts in (1, 8):
    optimizer = build_optimizer(config.training, build_schedule(config.training, 10))
    trainer = Trainer(model, optimizer, objective, strategy, parts)
    tf.config.experimental.reset_memory_stats("CPU:0")
    trainer.step(iter(tf.data.Dataset.from_tensors(batch)))["loss"].numpy()
    print(tf.config.experimental.get_memory_info("CPU:0")["peak"])
"""


@pytest.mark.slow
@pytest.mark.process
def test_parts_of_a_batch_are_computed_in_the_memory_of_one():
    # This allocator of TensorFlow keeps count on a CPU too.
    environment = {**os.environ, "TF_CPU_ALLOCATOR_USE_BFC": "true"}
    command = [sys.executable, "-c", _PEAK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    of_one, of_eight = map(int, done.stdout.split())
    assert of_eight < 0.25 * of_one


def test_totals_are_means_over_all_steps_and_can_be_taken_up_again():
    totals, value = Totals(), tf.constant
    assert totals.add({"loss": value([6.0, 2.0])}) == {}
    assert totals.add({"loss": value([1.0, 1.0])}) == {"loss": 3.0}
    again = Totals(totals.sums)
    again.add({"loss": value([5.0, 1.0])})
    assert totals.means() == {"loss": 7 / 3}
    assert again.means() == {"loss": 3.0}

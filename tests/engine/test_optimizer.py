import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasbert.config import TrainingConfig
from kerasbert.engine.optimizer import ReplicatedAdamW, build_optimizer
from kerasbert.engine.schedule import WarmupDecay, build_schedule

NAMES = ("kernel", "embeddings", "bias", "gamma", "beta")
STEPS = 10


def rate(shape: str, step: int, warmup: int, total: int, peak: float) -> float:
    """The schedule in plain Python: a rise from peak / warmup, then a fall that ends at 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    left = max(total - step, 0) / (total - warmup)
    return peak * {"linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2, "constant": 1.0}[shape]


@pytest.mark.parametrize("shape", ["linear", "cosine", "constant"])
@pytest.mark.parametrize(("warmup", "total"), [(0, 1), (0, 20), (1, 20), (7, 20), (19, 20)])
def test_the_schedule_is_its_formula(shape: str, warmup: int, total: int):
    schedule = WarmupDecay(3e-4, warmup, total, shape)
    rates = [float(schedule(step)) for step in range(total + 3)]
    expected = [rate(shape, step, warmup, total, 3e-4) for step in range(total + 3)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_the_rate_peaks_when_the_warm_up_ends_and_falls_to_zero(shape: str):
    rates = [float(WarmupDecay(3e-4, 7, 20, shape)(step)) for step in range(21)]
    assert rates[6] == max(rates) == pytest.approx(3e-4)
    assert rates[20] == 0
    assert rates[:7] == sorted(rates[:7])
    assert rates[7:] == sorted(rates[7:], reverse=True)


def test_a_constant_rate_stays_at_its_peak():
    rates = [float(WarmupDecay(3e-4, 7, 20, "constant")(step)) for step in range(6, 21)]
    assert rates == [pytest.approx(3e-4)] * 15


def test_every_rate_of_a_training_is_positive():
    assert min(float(WarmupDecay(1.0, 2, 20, "linear")(step)) for step in range(20)) > 0


def test_a_schedule_survives_its_config():
    schedule = WarmupDecay(3e-4, 7, 20, "cosine")
    again = WarmupDecay.from_config(schedule.get_config())
    assert [float(again(step)) for step in range(21)] == [float(schedule(step)) for step in range(21)]


@pytest.mark.parametrize(("fraction", "peak_at"), [(0.0, 0), (0.1, 1), (0.5, 9)])
def test_the_warm_up_takes_its_share_of_the_steps(fraction: float, peak_at: int):
    config = TrainingConfig(learning_rate=1.0, warmup_fraction=fraction)
    schedule = build_schedule(config, 20)
    assert int(np.argmax([float(schedule(step)) for step in range(20)])) == peak_at


class NumpyAdamW:
    """Loshchilov & Hutter 2019, algorithm 2, over the gradient clipped by its global norm."""

    def __init__(self, config: TrainingConfig, weights: dict[str, np.ndarray]):
        self.config = config
        self.weights = {name: weight.astype(np.float64) for name, weight in weights.items()}
        self.first = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
        self.second = {name: np.zeros_like(weight) for name, weight in self.weights.items()}

    def step(self, number: int, gradients: dict[str, np.ndarray], total: int) -> None:
        config = self.config
        alpha = rate(
            config.schedule, number, round(config.warmup_fraction * total), total, config.learning_rate
        )
        norm = math.sqrt(sum(float(np.sum(np.square(g))) for g in gradients.values()))
        factor = min(1.0, config.clip_norm / norm) if config.clip_norm else 1.0
        for name, gradient in gradients.items():
            gradient = factor * gradient
            self.first[name] = 0.9 * self.first[name] + 0.1 * gradient
            self.second[name] = 0.999 * self.second[name] + 0.001 * gradient**2
            mean = self.first[name] / (1 - 0.9 ** (number + 1))
            root = np.sqrt(self.second[name] / (1 - 0.999 ** (number + 1)))
            decay = 0.0 if name in ("bias", "gamma", "beta") else config.weight_decay
            self.weights[name] -= alpha * (mean / (root + 1e-6) + decay * self.weights[name])


def problem() -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    random = np.random.default_rng(0)
    weights = {name: random.normal(size=(3, 4)).astype(np.float32) for name in NAMES}
    # Adam forgives a constant factor: gradients of like norm would hide a wrong clipping.
    scales = 10 ** random.uniform(-1, 1, STEPS)
    gradients = [
        {name: (scale * random.normal(size=(3, 4))).astype(np.float32) for name in NAMES} for scale in scales
    ]
    return weights, gradients


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("clip_norm", [None, 5.0, 1000.0])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_ten_steps_are_those_of_plain_adamw(schedule: str, clip_norm: float | None, weight_decay: float):
    config = TrainingConfig(
        learning_rate=1e-3, schedule=schedule, clip_norm=clip_norm, weight_decay=weight_decay,
        warmup_fraction=0.2,
    )  # fmt: skip
    weights, gradients = problem()
    expected = NumpyAdamW(config, weights)
    variables = {name: keras.Variable(weight, name=name) for name, weight in weights.items()}
    optimizer = build_optimizer(config, build_schedule(config, STEPS))
    for number, gradient in enumerate(gradients):
        expected.step(number, gradient, STEPS)
        optimizer.apply_gradients((tf.constant(gradient[name]), variables[name]) for name in NAMES)
    for name in NAMES:
        np.testing.assert_allclose(variables[name].numpy(), expected.weights[name], atol=1e-6, err_msg=name)


def test_one_device_clips_as_stock_keras_does():
    weights, gradients = problem()
    results = []
    for kind in (ReplicatedAdamW, keras.optimizers.AdamW):
        variables = [keras.Variable(weights[name], name=name) for name in NAMES]
        optimizer = kind(1e-2, global_clipnorm=0.5)
        for gradient in gradients:
            optimizer.apply_gradients(
                (tf.constant(gradient[n]), v) for n, v in zip(NAMES, variables, strict=True)
            )
        results.append([variable.numpy() for variable in variables])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_float16_scales_the_loss():
    config = TrainingConfig(precision="mixed_float16")
    optimizer = build_optimizer(config, build_schedule(config, 10))
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    assert isinstance(optimizer.inner_optimizer, ReplicatedAdamW)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_other_precisions_do_not(precision: str):
    config = TrainingConfig(precision=precision)
    assert type(build_optimizer(config, build_schedule(config, 10))) is ReplicatedAdamW


def test_the_embedding_tables_have_a_rate_of_their_own():
    config = TrainingConfig(learning_rate=0.1, schedule="constant", warmup_fraction=0.0, weight_decay=0.5)
    weights = []
    for layer, name in (("token_embedding", "embeddings"), ("dense", "kernel")):
        with keras.name_scope(layer):
            weights.append(keras.Variable(np.ones(3, np.float32), name=name))
    optimizer = build_optimizer(
        config, build_schedule(config, 9), rate_of=lambda path: 4.0 if "_embedding/" in path else 1.0
    )
    optimizer.apply_gradients([(tf.ones(3), weight) for weight in weights])
    # The first step of Adam is the rate, and decay (Loshchilov & Hutter 2019, algorithm 2) is at it too.
    for weight, rate in zip(weights, (0.4, 0.1), strict=True):
        np.testing.assert_allclose(weight.numpy(), 1.0 - rate * 0.5 - rate, rtol=1e-3)


def test_averages_are_their_recurrence():
    """Polyak & Juditsky 1992, with the decay of the first steps lowered as TensorFlow's own average does."""
    weights, gradients = problem()
    variables = {name: keras.Variable(weight, name=name) for name, weight in weights.items()}
    config = TrainingConfig(learning_rate=0.1)
    optimizer = build_optimizer(config, build_schedule(config, STEPS), average_decay=0.6)
    optimizer.build(list(variables.values()))
    expected = {name: weight.astype(np.float64) for name, weight in weights.items()}
    for step, gradient in enumerate(gradients, 1):
        optimizer.apply_gradients((tf.constant(gradient[name]), variables[name]) for name in NAMES)
        decay = min(0.6, (1 + step) / (10 + step))
        for name in NAMES:
            expected[name] = decay * expected[name] + (1 - decay) * variables[name].numpy()
    for weight, average in optimizer.averages:
        np.testing.assert_allclose(average.numpy(), expected[weight.name], atol=1e-5)
        assert np.abs(average.numpy() - weight.numpy()).max() > 1e-2

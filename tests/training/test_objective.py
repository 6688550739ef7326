import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, log_expit, log_softmax, rel_entr, softmax

from kerasbert.config import Config, EncoderConfig, HeadConfig
from kerasbert.models import build_backbone, build_model
from kerasbert.tasks import Classification, MultiLabel
from kerasbert.training.objective import _along, build_objective, divergence

SIZES = EncoderConfig(
    activation="gelu_tanh",
    num_layers=2,
    hidden_dim=16,
    num_heads=2,
    intermediate_dim=24,
    max_positions=8,
    dropout=0.0,
)
IDS = [[2, 5, 5, 5, 6, 3, 0, 0], [2, 5, 7, 3, 0, 0, 0, 0], [2, 6, 6, 5, 7, 8, 5, 3]]
TARGETS = np.eye(3, dtype=np.float32)
WEIGHTS = np.array([1.0, 2.0, 0.0], np.float32)
RANDOM = np.random.default_rng(0)
P, Q = (RANDOM.normal(size=(5, 3)).astype(np.float32) for _ in range(2))


def build(dropout: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(1)
    backbone = build_backbone(SIZES.model_copy(update={"dropout": dropout}), 10)
    model = build_model(backbone, Classification("abc"), HeadConfig(pooling="mean", dropout=dropout))
    model.head.get_layer("logits").kernel.assign(np.random.default_rng(1).normal(size=(16, 3)))
    return model


def inputs(ids: list[list[int]] = IDS) -> dict[str, tf.Tensor]:
    rows = tf.constant(ids)
    mask = tf.cast(rows != 0, tf.int32)
    return {"token_ids": rows, "segment_ids": tf.zeros_like(rows), "padding_mask": mask}


def loss_of(model: keras.Model, **settings) -> float:
    objective = build_objective(model, Classification("abc"), Config(training=settings))
    loss, figures = objective(inputs(), tf.constant(TARGETS), tf.constant(WEIGHTS))
    assert figures["loss"][1] == 3
    return float(loss)


def cross_entropies(logits: tf.Tensor) -> np.ndarray:
    return -(log_softmax(logits.numpy(), axis=-1) * TARGETS).sum(axis=-1)


def test_the_loss_is_the_weighted_mean():
    model = build()
    assert loss_of(model) == pytest.approx((cross_entropies(model(inputs())) * WEIGHTS).mean(), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_losses_are_their_formula(gamma: float):
    """Lin et al. 2017, equation 4, with alpha 1; for sigmoids the mean over the labels."""
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    p = softmax(P, axis=-1)[targets == 1]
    found = Classification("abc").loss(focal_gamma=gamma).call(targets, tf.constant(P))
    np.testing.assert_allclose(found, -((1 - p) ** gamma) * np.log(p), rtol=1e-5)
    right, log_right = np.where(targets == 1, expit(P), expit(-P)), log_expit(np.where(targets == 1, P, -P))
    found = MultiLabel("abc").loss(focal_gamma=gamma).call(targets, tf.constant(P))
    np.testing.assert_allclose(found, (-((1 - right) ** gamma) * log_right).mean(axis=-1), rtol=1e-5)


def test_the_divergence_of_two_predictions_is_scipys():
    p, q = softmax(P, axis=-1), softmax(Q, axis=-1)
    expected = (rel_entr(p, q) + rel_entr(q, p)).sum(axis=-1)
    found = divergence(Classification("abc"), tf.constant(P), tf.constant(Q))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    p, q = (np.stack([expit(z), expit(-z)]) for z in (P, Q))
    expected = (rel_entr(p, q) + rel_entr(q, p)).sum(axis=(0, 2))
    found = divergence(MultiLabel("abc"), tf.constant(P), tf.constant(Q))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_r_drop_without_dropout_is_twice_the_loss():
    model = build()
    assert loss_of(model, r_drop=5.0) == pytest.approx(2 * loss_of(model), rel=1e-5)


def test_r_drop_adds_half_of_both_divergences():
    """Liang et al. 2021, equations 2 to 4."""
    plain, model = build(0.5), build(0.5)
    twice = {name: tf.concat([part, part], axis=0) for name, part in inputs().items()}
    p, q = np.split(log_softmax(plain(twice, training=True).numpy(), axis=-1), 2)
    entropies = -((p + q) * TARGETS).sum(axis=-1)
    kl = rel_entr(np.exp(p), np.exp(q)) + rel_entr(np.exp(q), np.exp(p))
    expected = entropies + 3.0 * 0.5 * kl.sum(axis=-1)
    assert kl.max() > 1e-3
    assert loss_of(model, r_drop=3.0) == pytest.approx((expected * WEIGHTS).mean(), rel=1e-4)


def test_gradients_are_scaled_for_each_row():
    gradient = RANDOM.normal(size=(6, 4)).astype(np.float32)
    gradient[4:] = 0.0  # a row of no weight
    rows = np.array([0, 0, 0, 1, 2, 2], np.int32)
    moved = _along(tf.constant(gradient), tf.constant(rows), 0.3).numpy()
    for row in (0, 1):
        part = gradient[rows == row]
        np.testing.assert_allclose(moved[rows == row], 0.3 * part / np.linalg.norm(part), rtol=1e-5)
    assert not moved[4:].any()


def worse_by(model: keras.Model, shift) -> float:
    """How much the loss rises where the embeddings are moved."""
    logits = model(inputs(), embeddings=model.encoder.embed(inputs()) + shift)
    return float((cross_entropies(logits) * WEIGHTS).mean()) - loss_of(model)


@pytest.mark.process
def test_no_other_direction_is_worse_than_the_adversarial_one():
    """Miyato et al. 2017, equation 3: along the gradient, for a small norm."""
    model, norm = build(), 0.02
    adversarial = loss_of(model, adversarial_norm=norm) - 2 * loss_of(model)
    rows = np.repeat([0, 1, 2], [6, 4, 8])
    others = []
    for _ in range(30):
        direction = RANDOM.normal(size=(18, 16)).astype(np.float32)
        others.append(worse_by(model, _along(tf.constant(direction), tf.constant(rows), norm)))
    assert adversarial > 2 * max(others) > 0


def test_the_encoder_is_left_as_it_was():
    model = build()
    before = model(inputs()).numpy()
    loss_of(model, adversarial_norm=5.0)
    np.testing.assert_array_equal(model(inputs()).numpy(), before)

"""How far texts are from those of the training."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import mahalanobis

from kerasbert.errors import CheckpointError
from kerasbert.models.outliers import OutlierDetector, mean_embeddings


@pytest.fixture
def detector() -> OutlierDetector:
    detector = OutlierDetector(4)
    random = np.random.default_rng(0)
    detector.set(random.normal(size=4), random.normal(size=(4, 4)), np.array([2.0, 6.0]))
    return detector


def test_the_distance_is_that_of_mahalanobis(detector):
    rows = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    mean, whitening = detector._mean.numpy(), detector._whitening.numpy()
    expected = [mahalanobis(row, mean, whitening @ whitening.T) for row in rows]
    tokens = np.array([1, 2, 3, 100, 3])
    np.testing.assert_allclose(
        detector(tf.constant(rows), tf.constant(tokens)), expected / np.sqrt(2 + 6 / tokens), rtol=1e-5
    )


def test_means_are_over_the_real_tokens_of_each_row():
    mask = tf.constant([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]])
    embeddings = tf.range(14, dtype=tf.float32)[:, None] // 2 * [1.0, 10.0]
    means, tokens = mean_embeddings(embeddings[::2], {"padding_mask": mask})
    assert tokens.numpy().tolist() == [3, 1, 1, 2]
    expected = np.array([[1, 10], [3, 30], [4, 40], [5.5, 55]])
    np.testing.assert_allclose(means, expected)
    nothing, _ = mean_embeddings(tf.zeros([0, 2]), {"padding_mask": tf.zeros([0, 4], tf.int32)})
    assert nothing.shape == (0, 2)


def test_it_comes_back_from_its_file(detector, tmp_path):
    path = tmp_path / "outliers.safetensors"
    detector.save(path)
    rows = tf.constant(np.random.default_rng(1).normal(size=(5, 4)), tf.float32)
    tokens = tf.range(1, 6)
    np.testing.assert_array_equal(OutlierDetector(4).load(path)(rows, tokens), detector(rows, tokens))


@pytest.mark.parametrize("fault", ["missing", "cut", "another model", "another file"])
def test_what_is_wrong_with_the_file_is_said(detector, tmp_path, fault):
    path = tmp_path / "outliers.safetensors"
    detector.save(path)
    if fault == "missing":
        path.unlink()
    elif fault == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    elif fault == "another file":
        path.write_text("{}")
    with pytest.raises(CheckpointError, match=r"outliers\.safetensors: ") as raised:
        OutlierDetector(5 if fault == "another model" else 4).load(path)
    assert "\n" not in str(raised.value)

from pathlib import Path

import keras
import numpy as np
import pytest

from kerasbert.checkpoints import load_weights, save_weights
from kerasbert.errors import CheckpointError

OF = {"vocab.txt": "1", "labels.txt": "2"}


def build(units: int = 4) -> keras.Model:
    """A model whose layers have the names Keras gives them, which count on within a process."""
    inputs = keras.Input((3,))
    hidden = keras.layers.LayerNormalization()(keras.layers.Dense(units, activation="tanh")(inputs))
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Dropout(0.5)(hidden)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.weights.h5"


def test_weights_survive_the_file(path: Path):
    saved = build()
    save_weights(saved, path, OF)
    before = [weight.numpy() for weight in saved.weights]
    for weight in saved.weights:
        weight.assign(weight + 1)
    load_weights(saved, path, OF)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, saved.weights, strict=True))


def test_the_names_that_keras_counts_up_do_not_matter(path: Path):
    saved, loaded = build(), build()
    save_weights(saved, path, OF)
    load_weights(loaded, path, OF)
    rows = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(loaded(rows), saved(rows))


def test_saving_again_replaces(path: Path):
    one, two = build(), build()
    save_weights(one, path, OF)
    save_weights(two, path, OF)
    load_weights(two, path, OF)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["vocab.txt", "labels.txt"])
@pytest.mark.parametrize("digest", ["other", None])
def test_a_digest_that_differs_or_is_missing_is_refused(path: Path, name: str, digest: str | None):
    model = build()
    others = {key: value for key, value in {**OF, name: digest}.items() if value is not None}
    save_weights(model, path, others)
    with pytest.raises(CheckpointError, match=rf"model\.weights\.h5: does not match {name}"):
        load_weights(model, path, OF)


def test_nothing_is_loaded_from_a_file_that_is_refused(path: Path):
    save_weights(build(units=5), path, OF)
    model = build(units=4)
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(CheckpointError, match="of another model"):
        load_weights(model, path, OF)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.weights, strict=True))

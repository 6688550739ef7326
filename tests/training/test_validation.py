import numpy as np
import pytest
import tensorflow as tf

from kerasbert.training import TrainResult
from kerasbert.training.train import _initial_model
from kerasbert.training.validation import Validation


@pytest.mark.process
def test_two_replicas_give_the_figures_of_one_device(trained: TrainResult, mirrored):
    prepared = trained.prepared
    figures = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            model = _initial_model(prepared)
        model.set_weights(trained.classifier.model.get_weights())
        validation = Validation(model, prepared, strategy)
        figures.append(validation())
    assert figures[0] == {name: pytest.approx(value, abs=1e-6) for name, value in figures[1].items()}
    assert figures[0]["accuracy"] == trained.metrics["accuracy"]
    assert np.isfinite(figures[0]["loss"])

import gc

import pytest
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.framework.func_graph import FuncGraph

from kerasbert.engine.graphs import released_graphs
from kerasbert.training import train


def graphs() -> int:
    gc.collect()
    return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())


@pytest.mark.slow
@pytest.mark.process
def test_trainings_leave_no_graphs_behind(tiny_config, tmp_path):
    counts = []
    for number in range(2):
        result = train(tiny_config(training={"epochs": 1}, run_dir=str(tmp_path / str(number))))
        assert result.model.predict("手机很好")["label"] in result.model.labels
        del result
        counts.append(graphs())
    assert counts[0] == counts[1]


def test_the_gradients_registered_before_stay():
    """What released_graphs relies on: where TensorFlow keeps the gradients of a graph."""

    @tf.custom_gradient
    def double(x):
        return 2.0 * x, lambda upstream: 3.0 * upstream

    function = tf.function(double)
    with tf.GradientTape() as tape:
        x = tf.constant(1.0)
        tape.watch(x)
        y = function(x)
    before = set(ops.gradient_registry._registry)
    assert any(name.startswith("CustomGradient-") for name in before)
    with released_graphs():
        tf.function(lambda x: double(x) + 1.0)(x)
        assert set(ops.gradient_registry._registry) > before
    assert set(ops.gradient_registry._registry) == before
    assert tape.gradient(y, x).numpy() == 3.0

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.serving.errors import ServingError
from kerasbert.serving.servable import Servable


@pytest.fixture(scope="module")
def half_plus_two(tmp_path_factory) -> Servable:
    """TensorFlow Serving's example model: written by TensorFlow 1, for x [any, 1]."""
    path = tmp_path_factory.mktemp("half_plus_two") / "123"
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 1], "x")
        half = tf.compat.v1.get_variable("half", initializer=0.5, use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(path), {"x": x}, {"y": half * x + 2.0})
    return Servable(path)


@pytest.mark.parametrize("x", [[1.0, 2.0, 5.0], [[1.0], [2.0]], [[1.0, 2.0]], 3.0], ids=str)
def test_shapes_are_left_to_the_graph(half_plus_two, x):
    array = np.array(x, np.float32)
    answer = half_plus_two.run("serving_default", {"x": array})
    np.testing.assert_array_equal(answer["y"], array * 0.5 + 2.0)


def test_a_dimension_too_many_is_refused_by_name(half_plus_two):
    with pytest.raises(
        ServingError, match=r"input x must have the shape \(None, 1\)\. Received: \[1, 1, 1\]"
    ):
        half_plus_two.run("serving_default", {"x": np.ones([1, 1, 1], np.float32)})


def test_an_error_that_quotes_bytes_is_the_clients(saved):
    broken = np.array([b"\xed\xb0\x80x"], object)  # no tf.Example, and no UTF-8
    with pytest.raises(ServingError, match=r"Could not parse example input, value: '�+x'") as caught:
        Servable(saved).run("classify", {"inputs": broken})
    assert caught.value.http_status == 400

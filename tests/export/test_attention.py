from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.export.attention import LITTLE, attend_by_size, is_little
from kerasbert.models.transformer import attend


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-5), ("bfloat16", 2e-2)])
@pytest.mark.parametrize("shape", [(1, 3, 9, 8), (3, 2, 4, 5), (0, 2, 4, 5)])
def test_little_is_attended_to_like_much(shape, dtype, error):
    random = np.random.default_rng(0)
    query, key, value = (tf.cast(random.normal(size=shape), dtype) for _ in range(3))
    bias = tf.cast(random.integers(-1, 1, size=(shape[0], 1, 1, shape[2])) * 1e9, dtype)
    expected = tf.cast(attend(query, key, value, bias), tf.float32)
    for little in (True, False):
        function = tf.function(partial(attend_by_size, tf.constant(little)))
        np.testing.assert_allclose(
            tf.cast(function(query, key, value, bias), tf.float32), expected, atol=error, rtol=error
        )
    first = attend_by_size(tf.constant(True), query[:, :, :1], key, value, bias)
    np.testing.assert_allclose(tf.cast(first, tf.float32), expected[:, :, :1], atol=error, rtol=error)


@pytest.mark.parametrize(
    ("batch", "length", "heads"), [(1, 64, 2), (1, 65, 2), (2, 32, 4), (3, 32, 4), (0, 0, 1), (7, 0, 2)]
)
def test_little_is_a_number_of_scores(batch, length, heads):
    expected = batch * heads * length**2 <= LITTLE
    assert bool(is_little(tf.zeros([batch, 1, 1, length]), heads)) is expected


def test_a_number_beyond_int32_is_not_little():
    assert not is_little(tf.zeros([4096, 1, 1, 512]), 12)


@pytest.mark.process
@pytest.mark.parametrize(("texts", "little"), [(1, True), (400, False)])
def test_a_short_text_wakes_no_threads_for_attention(exported, strings, texts, little):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = tf.compat.v1.saved_model.load(session, ["serve"], str(exported.path)).signature_def[
            "serving_default"
        ]
        options = tf.compat.v1.RunOptions(trace_level=tf.compat.v1.RunOptions.FULL_TRACE)
        metadata = tf.compat.v1.RunMetadata()
        feeds = {signature.inputs["text"].name: strings(["手机好快" * 5] * texts)}
        session.run(signature.outputs["probabilities"].name, feeds, options, metadata)
    nodes = (node for device in metadata.step_stats.dev_stats for node in device.node_stats)
    ran = {node.timeline_label.partition(" = ")[2].partition("(")[0] for node in nodes}
    assert ("BatchMatMulV3" in ran) is little
    assert bool(ran & {"BatchMatMulV2", "_MklBatchMatMulV2"}) is not little

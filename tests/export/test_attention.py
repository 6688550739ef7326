import pytest
import tensorflow as tf


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

from tensorflow.core.protobuf import meta_graph_pb2

from kerasbert.native.signatures import Signature, read_signatures


def test_they_are_those_that_tensorflow_wrote():
    graph = meta_graph_pb2.MetaGraphDef()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.add(name="x" * 300, op="Placeholder")
    graph.graph_def.versions.producer = 1 << 20
    for name in ("serving_default", "embed"):
        signature = graph.signature_def[name]
        signature.inputs["text"].name = f"{name}_text:0"
        signature.inputs["text"].dtype = 7
        signature.inputs["text"].tensor_shape.dim.add(size=-1)
        for index, output in enumerate(("标签", "score")):
            signature.outputs[output].name = f"StatefulPartitionedCall:{index}"
        signature.method_name = "tensorflow/serving/predict"
    expected = {
        name: Signature(
            {"text": f"{name}_text:0"},
            {"标签": "StatefulPartitionedCall:0", "score": "StatefulPartitionedCall:1"},
        )
        for name in ("serving_default", "embed")
    }
    assert read_signatures(graph.SerializeToString()) == expected


def test_a_graph_without_any_has_none():
    assert read_signatures(b"") == {}

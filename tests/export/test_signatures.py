import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.export import NativeModel

pytestmark = pytest.mark.process

TEXTS = ["手机很好", "", "快递太差，再也不买了", b"\xff\x00\xfe", "The 手机 is ＯＫ" * 20]
# As `tensorflow/serving` 2.20 links them beside the core; see the docstring of kerasbert.native.
TEXT_OPS = {"NormalizeUTF8", "FastWordpieceTokenizeWithOffsets"}
_VECTORS = ("bias", "beta", "gamma")
_PRINT_CORE_OPS = """
import ctypes, sys
from kerasbert.native.session import _load_tensorflow, _Buffer
library = _load_tensorflow()
library.TF_GetAllOpList.restype = ctypes.POINTER(_Buffer)
ops = library.TF_GetAllOpList().contents
sys.stdout.buffer.write(ctypes.string_at(ops.data, ops.length))
"""
_TYPES = {"string": 7, "float": 1, "int32": 3, "int64": 9}


def saved_model(path) -> saved_model_pb2.SavedModel:
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((path / "saved_model.pb").read_bytes())
    return proto


def described(tensors) -> dict:
    return {name: (t.dtype, [d.size for d in t.tensor_shape.dim]) for name, t in tensors.items()}


@pytest.fixture(scope="module")
def meta_graph(exported):
    (meta_graph,) = saved_model(exported.path).meta_graphs
    return meta_graph


@pytest.fixture(scope="module")
def example():
    def make(**texts: str | bytes) -> bytes:
        values = {name: t if isinstance(t, bytes) else t.encode() for name, t in texts.items()}
        feature = {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for name, value in values.items()
        }
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    return make


def test_names_types_and_shapes_are_the_contract(meta_graph):
    signatures = meta_graph.signature_def
    assert set(signatures) == {"serving_default", "classify", "token_ids", "explain", "__saved_model_init_op"}
    outputs = {
        "label": (_TYPES["string"], [-1]),
        "label_id": (_TYPES["int64"], [-1]),
        "score": (_TYPES["float"], [-1]),
        "probabilities": (_TYPES["float"], [-1, 2]),
    }
    ids = (_TYPES["int32"], [-1, -1])
    assert described(signatures["serving_default"].inputs) == {"text": (_TYPES["string"], [-1])}
    assert described(signatures["serving_default"].outputs) == outputs
    assert described(signatures["token_ids"].inputs) == dict.fromkeys(
        ("token_ids", "segment_ids", "padding_mask"), ids
    )
    assert described(signatures["token_ids"].outputs) == outputs


def test_classify_keeps_the_rules_of_tensorflow_serving(meta_graph):
    classify = meta_graph.signature_def["classify"]
    assert described(classify.inputs) == {"inputs": (_TYPES["string"], [-1])}
    outputs = described(classify.outputs)
    assert set(outputs) == {"classes", "scores"}
    assert outputs["classes"][0] == _TYPES["string"]
    assert outputs["scores"][0] == _TYPES["float"]
    assert [len(shape) for _, shape in outputs.values()] == [2, 2]


def test_all_outputs_have_the_batch_first_and_no_half_precision(exported_bfloat16):
    (meta_graph,) = saved_model(exported_bfloat16.path).meta_graphs
    for name in ("serving_default", "classify", "token_ids"):
        for dtype, shape in described(meta_graph.signature_def[name].outputs).values():
            assert dtype in _TYPES.values()
            assert shape[0] == -1


@pytest.fixture(scope="module")
def answers(exported, strings, example) -> list[dict]:
    examples = [example(text=text) for text in TEXTS]
    nothing = [example(), example(other="x"), example(text="手机很好")]
    packed = exported.classifier.text_graph(tf.constant(TEXTS))
    return NativeModel(exported.path).run(
        [
            ("serving_default", {"text": strings(TEXTS)}),
            ("classify", {"inputs": strings(examples)}),
            ("token_ids", {name: value.numpy() for name, value in packed.items()}),
            ("serving_default", {"text": strings([])}),
            ("classify", {"inputs": strings(nothing)}),
        ]
    )


@pytest.mark.parametrize("place", [0, 2], ids=["serving_default", "token_ids"])
def test_the_native_loader_answers_what_the_trainer_answers(exported, answers, place):
    expected = exported.classifier.predict(TEXTS)
    assert set(answers[place]) == set(expected)
    for name, value in expected.items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(answers[place][name], value, atol=1e-5, rtol=0)
        else:
            np.testing.assert_array_equal(answers[place][name], value)


def test_classify_gives_all_labels_with_their_scores(exported, answers):
    assert answers[1]["classes"].tolist() == [[b"negative", b"positive"]] * len(TEXTS)
    expected = exported.classifier.predict(TEXTS)["probabilities"]
    np.testing.assert_allclose(answers[1]["scores"], expected, atol=1e-5, rtol=0)


def test_an_empty_batch_is_answered(answers):
    assert answers[3]["label"].shape == (0,)
    assert answers[3]["probabilities"].shape == (0, 2)


def test_an_example_without_text_counts_as_empty_and_harms_no_other(answers):
    empty, hit = answers[0]["probabilities"][1], answers[0]["probabilities"][0]
    np.testing.assert_allclose(answers[4]["scores"], [empty, empty, hit], atol=1e-5, rtol=0)


def test_each_weight_is_stored_once(exported):
    variables = exported.path / "variables" / "variables"
    stored = dict(tf.train.list_variables(str(variables)))
    book_keeping = [name for name in stored if name.startswith("_CHECKPOINTABLE")]
    graph = sum(len(tf.train.load_variable(str(variables), name)) for name in book_keeping)
    sizes = [int(np.prod(shape)) for name, shape in stored.items() if name not in book_keeping]
    # Biases, and the vectors of layer normalisation, are constants of the graph.
    stays = [weight for weight in exported.classifier.model.encoder.weights if weight.name in _VECTORS]
    count = exported.classifier.model.count_params() - sum(
        weight.value.shape.num_elements() for weight in stays
    )
    assert sum(sizes) == count
    size = variables.with_name("variables.data-00000-of-00001").stat().st_size
    assert 0 <= size - 4 * count - graph < 1000


def test_nothing_demands_xla(meta_graph):
    assert not [f for f in meta_graph.graph_def.library.function if "_XlaMustCompile" in f.attr]
    assert b"_XlaMustCompile" not in meta_graph.SerializeToString()


def test_only_two_ops_are_beyond_core_tensorflow(exported, exported_pairs, exported_multi_label):
    done = subprocess.run([sys.executable, "-c", _PRINT_CORE_OPS], capture_output=True, check=True)
    core = {op.name for op in op_def_pb2.OpList.FromString(done.stdout).op}
    assert {"MatMul", "StaticRegexReplace"} <= core
    for model in (exported, exported_pairs, exported_multi_label):
        (meta_graph,) = saved_model(model.path).meta_graphs
        used = {op.name for op in meta_graph.meta_info_def.stripped_op_list.op}
        assert "MatMul" in used or "BatchMatMulV2" in used or "Einsum" in used
        assert used - core == TEXT_OPS


def test_sentencepiece_needs_its_own_ops_alone(exported_sentencepiece):
    done = subprocess.run([sys.executable, "-c", _PRINT_CORE_OPS], capture_output=True, check=True)
    core = {op.name for op in op_def_pb2.OpList.FromString(done.stdout).op}
    (meta_graph,) = saved_model(exported_sentencepiece.path).meta_graphs
    used = {op.name for op in meta_graph.meta_info_def.stripped_op_list.op}
    assert used - core == {"SentencepieceOp", "SentencepieceTokenizeOp"}


def test_a_session_of_tensorflow_1_answers_the_same(exported):
    expected = exported.classifier.predict(TEXTS)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(exported.path))
        signature = meta_graph.signature_def["serving_default"]
        fetches = {name: output.name for name, output in signature.outputs.items()}
        answer = session.run(fetches, {signature.inputs["text"].name: TEXTS})
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)
    assert answer["label"].tolist() == expected["label"].tolist()


def test_bfloat16_answers_nearly_the_same(exported_bfloat16, reviews, strings):
    assert "DT_BFLOAT16" in text_format.MessageToString(saved_model(exported_bfloat16.path))
    (answer,) = NativeModel(exported_bfloat16.path).run(
        [("serving_default", {"text": strings(reviews.texts)})]
    )
    expected = exported_bfloat16.classifier.predict(reviews.texts)
    assert np.mean(answer["label"] == expected["label"]) >= 0.95
    difference = np.abs(answer["probabilities"] - expected["probabilities"]).max()
    assert 1e-7 < difference < 5e-2


def test_the_weights_are_stored_in_their_precision(exported, exported_bfloat16, exported_int8):
    whole, half, quarter = (
        (model.path / "variables" / "variables.data-00000-of-00001").stat().st_size
        for model in (exported, exported_bfloat16, exported_int8)
    )
    assert half < 0.65 * whole  # the names in the file stay
    assert quarter < whole  # the embeddings stay in float32


def test_a_pair_model_takes_two_texts(exported_pairs, strings, example):
    model = NativeModel(exported_pairs.path)
    assert set(model.signatures["serving_default"].inputs) == {"text", "pair"}
    texts, pairs = ["手机1", "酒店2", ""], ["手机1", "早餐2", "衣服"]
    examples = [example(text=text, pair=pair) for text, pair in zip(texts, pairs, strict=True)]
    swapped = [example(text=pair, pair=text) for text, pair in zip(texts, pairs, strict=True)]
    answer, classified, other = model.run(
        [
            ("serving_default", {"pair": strings(pairs), "text": strings(texts)}),
            ("classify", {"inputs": strings(examples)}),
            ("classify", {"inputs": strings(swapped)}),
        ]
    )
    expected = exported_pairs.classifier.predict(texts, pairs)
    assert answer["label"].tolist() == expected["label"].tolist()
    for scores in (answer["probabilities"], classified["scores"]):
        np.testing.assert_allclose(scores, expected["probabilities"], atol=1e-5, rtol=0)
    assert np.abs(other["scores"][1] - classified["scores"][1]).max() > 1e-6


def test_a_model_of_several_labels_gives_them(exported_multi_label, strings):
    texts = ["好快", "好贵", "无", ""]
    (answer,) = NativeModel(exported_multi_label.path).run([("serving_default", {"text": strings(texts)})])
    expected = exported_multi_label.classifier.predict(texts)
    assert answer["selected"].tolist() == answer["given"].tolist() == expected["selected"].tolist()
    assert 0 < answer["selected"].sum() < answer["selected"].size
    assert answer["label"].tolist() == expected["label"].tolist()
    np.testing.assert_array_equal(answer["selected"], answer["probabilities"] >= 0.5)
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)


def test_vectors_are_a_signature_on_request(exported, exported_bfloat16, exported_pairs):
    assert "embed" not in saved_model(exported.path).meta_graphs[0].signature_def
    for model, names in ((exported_bfloat16, {"text"}), (exported_pairs, {"text", "pair"})):
        embed = saved_model(model.path).meta_graphs[0].signature_def["embed"]
        assert described(embed.inputs) == dict.fromkeys(names, (_TYPES["string"], [-1]))
        assert described(embed.outputs) == {"vector": (_TYPES["float"], [-1, 16])}


def test_vectors_are_the_trainers(exported_pairs, strings):
    pairs = TEXTS[::-1]
    (answer,) = NativeModel(exported_pairs.path).run(
        [("embed", {"text": strings(TEXTS), "pair": strings(pairs)})]
    )
    expected = exported_pairs.classifier.vectors(tf.constant(TEXTS), tf.constant(pairs)).numpy()
    np.testing.assert_allclose(answer["vector"], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["exported_bfloat16", "exported_int8"])
def test_vectors_of_less_than_float32_point_the_same_way(request, name, reviews, strings):
    model = request.getfixturevalue(name)
    (answer,) = NativeModel(model.path).run([("embed", {"text": strings(reviews.texts)})])
    expected = model.classifier.vectors(tf.constant(reviews.texts)).numpy()
    products = np.sum(answer["vector"] * expected, axis=1)
    cosines = products / np.linalg.norm(answer["vector"], axis=1) / np.linalg.norm(expected, axis=1)
    assert answer["vector"].dtype == np.float32
    assert cosines.min() > 0.99
    assert np.abs(answer["vector"] - expected).max() > 1e-4  # more than float32 rounds


def test_no_layer_normalisation_is_fused_away(exported):
    """TensorFlow's fused operation drops epsilon and has no kernel for GPUs."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(exported.path))
        signature = meta_graph.signature_def["serving_default"]
        options = tf.compat.v1.RunOptions(output_partition_graphs=True)
        metadata = tf.compat.v1.RunMetadata()
        feeds = {signature.inputs["text"].name: ["手机很好", "", "酒店太差" * 9]}
        session.run(signature.outputs["probabilities"].name, feeds, options, metadata)
    ops = [node.op for graph in metadata.partition_graphs for node in graph.node]
    assert not [op for op in ops if "LayerNorm" in op]
    assert "_FusedMatMul" in ops or "_MklNativeFusedMatMul" in ops

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.native.exchange import decode, encode

HOSTILE = [b"", b"\0", b"a\0b", b"\xff\xfe\xe4\xbd", "很好".encode(), b"x" * 22, b"x" * 23, b"x" * 100_000]


class Echo(tf.Module):
    """Gives back each input, and the texts in NFKC by an op of tensorflow-text."""

    def __init__(self):
        super().__init__()
        self.one = tf.Variable(1.0)

    @tf.function
    def __call__(self, text, f32, f64, i32, i64, flag):
        return {
            "text": tf.identity(text),
            "lengths": tf.strings.length(text),
            "plain": tf_text.normalize_utf8(text, "NFKC"),
            "f32": f32 * self.one,
            "f64": f64 + 1,
            "i32": i32 + 1,
            "i64": i64 + 1,
            "flag": ~flag,
        }


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("echo") / "1"
    names = {"text": tf.string, "f32": tf.float32, "f64": tf.float64, "i32": tf.int32, "i64": tf.int64}
    specs = {name: tf.TensorSpec(None, dtype, name) for name, dtype in {**names, "flag": tf.bool}.items()}
    echo = Echo()
    tf.saved_model.save(echo, str(path), echo.__call__.get_concrete_function(**specs))
    return path


def signature(model: Path):
    return graph(model).meta_graphs[0].signature_def["serving_default"]


def graph(model: Path) -> saved_model_pb2.SavedModel:
    return saved_model_pb2.SavedModel.FromString((model / "saved_model.pb").read_bytes())


def native(model: Path, requests: list, directory: Path) -> subprocess.CompletedProcess:
    (directory / "requests.json").write_text(json.dumps(requests))
    command = [sys.executable, "-m", "kerasbert.native", str(model), "requests.json", "answers.json"]
    return subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False, timeout=400)


def answers(model: Path, batches: list[dict[str, np.ndarray]], directory: Path) -> list[dict]:
    inputs, outputs = signature(model).inputs, signature(model).outputs
    requests = [
        {
            "feeds": {inputs[name].name: encode(value) for name, value in batch.items()},
            "fetches": [output.name for output in outputs.values()],
        }
        for batch in batches
    ]
    done = native(model, requests, directory)
    assert done.returncode == 0, done.stderr
    result = json.loads((directory / "answers.json").read_text())
    assert result["runtime"] == tf.__version__
    return [dict(zip(outputs, map(decode, answer), strict=True)) for answer in result["answers"]]


def batch(texts: list[bytes], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    array = np.empty(len(texts), object)
    array[:] = texts
    random = np.random.default_rng(0)
    return {
        "text": array,
        "f32": random.normal(size=shape).astype(np.float32),
        "f64": random.normal(size=shape),
        "i32": random.integers(-(2**31), 2**31 - 1, shape, np.int32),
        "i64": random.integers(-(2**63), 2**63 - 1, shape, np.int64),
        "flag": random.integers(0, 2, shape).astype(bool),
    }


@pytest.fixture(scope="module")
def batches() -> list[dict[str, np.ndarray]]:
    return [
        batch(HOSTILE, (3, 2)),
        batch([], (0, 4)),
        batch(["Ａ１㈱".encode()], ()),
        {**batch([b"x"], (6,)), "f32": np.arange(6, dtype=np.float32).reshape(2, 3).T},
    ]


@pytest.fixture(scope="module")
def answered(model, batches, tmp_path_factory) -> list[dict]:
    return answers(model, batches, tmp_path_factory.mktemp("answered"))


@pytest.mark.process
def test_the_memory_is_that_of_the_process_alone(model, tmp_path):
    ballast = np.ones(10**9, np.int8)  # of this process, which starts the other
    assert native(model, [], tmp_path).returncode == 0
    memory = json.loads((tmp_path / "answers.json").read_text())["memory"]
    assert 10**8 < memory["base"] < memory["peak"] < ballast.nbytes


def test_strings_come_through_whole(answered):
    assert answered[0]["text"].tolist() == HOSTILE
    assert answered[0]["lengths"].tolist() == [len(text) for text in HOSTILE]


@pytest.mark.parametrize("place", range(4), ids=["matrix", "empty", "scalar", "transposed"])
def test_numbers_come_through_with_type_and_shape(batches, answered, place):
    given, answer = batches[place], answered[place]
    expected = {"f32": given["f32"], "f64": given["f64"] + 1, "flag": ~given["flag"]}
    expected |= {"i32": given["i32"] + np.int32(1), "i64": given["i64"] + np.int64(1)}
    for name, value in expected.items():
        assert (answer[name].dtype, answer[name].shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(answer[name], value)


def test_an_empty_batch_of_strings_stays_empty(answered):
    assert answered[1]["text"].shape == (0,)
    assert answered[1]["text"].dtype == object


def test_ops_of_tensorflow_text_run(answered):
    assert answered[2]["plain"].tolist() == ["A1(株)".encode()]


def assert_last_line_names(done: subprocess.CompletedProcess, *words: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]  # TensorFlow's own log may come before
    for word in words:
        assert word in line


def test_a_missing_model_is_named_in_the_last_line(tmp_path):
    assert_last_line_names(native(tmp_path / "nothing", [], tmp_path), "nothing")
    assert not (tmp_path / "answers.json").exists()


def test_an_unknown_op_is_named_in_the_last_line(model, tmp_path):
    proto = graph(model)
    functions = proto.meta_graphs[0].graph_def.library.function
    nodes = [node for function in functions for node in function.node_def if node.op == "NormalizeUTF8"]
    assert nodes
    for node in nodes:
        node.op = "NoSuchOpAnywhere"
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(proto.SerializeToString())
    assert_last_line_names(native(tmp_path / "1", [], tmp_path), "NoSuchOpAnywhere")


def test_an_unknown_tensor_is_named_in_the_last_line(model, tmp_path):
    request = {"feeds": {"nobody:0": encode(np.zeros(1, np.float32))}, "fetches": []}
    assert_last_line_names(native(model, [request], tmp_path), "nobody")


@pytest.mark.process
def test_a_wrong_type_is_named_in_the_last_line(model, tmp_path):
    name = signature(model).inputs["i32"].name
    fetch = signature(model).outputs["i32"].name
    request = {"feeds": {name: encode(np.zeros(1, np.float32))}, "fetches": [fetch]}
    assert_last_line_names(native(model, [request], tmp_path), "int32")


def test_neither_tensorflow_nor_the_rest_of_kerasbert_is_imported():
    code = "import sys, kerasbert.native.__main__; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "numpy" in loaded
    assert not {"tensorflow", "keras", "tensorflow_text"} & set(loaded)
    ours = {name for name in loaded if name.startswith("kerasbert.")} - {"kerasbert.startup"}
    assert all(name.startswith("kerasbert.native") for name in ours)

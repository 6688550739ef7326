import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.errors import ExportError
from kerasbert.export import native
from kerasbert.export.verify import _compare, verify

FLOATS, LABELS = np.array([0.25, 0.75], np.float32), np.array([b"a", b"b"], object)


def compare(answer: dict, tolerance: float = 1e-5, exact: bool = True) -> None:
    _compare("signature x", answer, {"score": FLOATS, "label": LABELS}, tolerance, exact)


def test_equal_answers_pass():
    compare({"score": FLOATS + np.float32(5e-6), "label": LABELS.copy()})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"score": FLOATS}, r"gives \['score'\]"),
        ({"score": FLOATS, "label": LABELS, "more": FLOATS}, "gives"),
        ({"score": FLOATS + np.float32(2e-5), "label": LABELS}, r"score differs .* by 2\.0e-05"),
        ({"score": FLOATS * np.float32("nan"), "label": LABELS}, "score differs"),
        ({"score": FLOATS.astype(np.float64), "label": LABELS}, "score is float64"),
        ({"score": FLOATS[:, None], "label": LABELS}, r"score is float32 \(2, 1\)"),
        ({"score": FLOATS, "label": LABELS[::-1]}, "label differs"),
    ],
)
def test_any_difference_is_named(answer, message):
    with pytest.raises(ExportError, match=f"signature x: {message}"):
        compare(answer)


def test_a_label_may_differ_where_arithmetic_is_coarse():
    compare({"score": FLOATS + np.float32(0.02), "label": LABELS[::-1]}, tolerance=5e-2, exact=False)


def test_empty_answers_are_equal():
    empty = {"score": FLOATS[:0], "label": LABELS[:0]}
    _compare("signature x", empty, empty, 1e-5, True)


def test_a_graph_that_demands_xla_is_refused(exported, tmp_path):
    path = tmp_path / "1"
    shutil.copytree(exported.path, path)
    proto = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    proto.meta_graphs[0].graph_def.library.function[0].attr["_XlaMustCompile"].b = True
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    with pytest.raises(ExportError, match="XLA"):
        verify(path, exported.classifier, "float32")


def test_vectors_are_compared_by_their_length():
    wanted = {"vector": np.array([[300.0, 400.0], [0.0, 0.5]], np.float32)}
    near, far = (wanted["vector"] + np.array([[0, x], [0, 0]], np.float32) for x in (4e-3, 6e-3))
    _compare("signature embed", {"vector": near}, wanted, 1e-5, True)
    with pytest.raises(ExportError, match=r"vector differs from the trainer's by 1\.2e-05, more than 1e-05"):
        _compare("signature embed", {"vector": far}, wanted, 1e-5, True)


@pytest.mark.slow
def test_a_signature_of_vectors_that_is_wrong_is_refused(exported_pairs, monkeypatch):
    vectors = exported_pairs.classifier.vectors
    monkeypatch.setattr(exported_pairs.classifier, "vectors", lambda *texts: vectors(*texts) + 0.01)
    with pytest.raises(ExportError, match="signature embed, batch 1: vector differs"):
        verify(exported_pairs.path, exported_pairs.classifier, "float32")


@pytest.mark.process
def test_a_gpu_does_not_make_the_comparison_coarse(exported, monkeypatch):
    """Neither by TF32 in the trainer, nor in the native process, which has no memory left there anyway."""
    full, devices = [], []
    enabled = tf.config.experimental.tensor_float_32_execution_enabled
    predict, run = exported.classifier.predict, subprocess.run

    def predicting(*columns):
        full.append(not enabled())
        return predict(*columns)

    def running(command, **options):
        devices.append(options["env"]["CUDA_VISIBLE_DEVICES"])
        return run(command, **options)

    monkeypatch.setattr(exported.classifier, "predict", predicting)
    monkeypatch.setattr(native.subprocess, "run", running)
    verify(exported.path, exported.classifier, "float32")
    assert (full, devices) == ([True] * 3, ["-1"])
    assert enabled()

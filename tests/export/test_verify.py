import shutil

import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.errors import ExportError
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

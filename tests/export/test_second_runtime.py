"""What TensorFlow 2.21 exports, in the runtime of TensorFlow Serving 2.20 (`make test-runtime`)."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.errors import ExportError
from kerasbert.export import NativeModel

# The Python of an environment with tensorflow-cpu 2.20.0 and tensorflow-text 2.20.0.
PYTHON = Path(os.environ.get("KERASBERT_RUNTIME", Path(sys.prefix) / "tf-2.20" / "bin" / "python"))
TEXTS = [
    "",
    "房间干净，服务员很热情。",
    "手机太差，后悔！",
    "全角ＡＢＣ１２３ naïve café 😀👍🏽",
    "前\0后",
    "很长的文本。" * 200,
    b"\xff\xfe invalid \xe4\xbd",
]
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not PYTHON.exists(), reason=f"{PYTHON} is not there: make test-runtime"),
]


@pytest.fixture(scope="module", autouse=True)
def _no_way_back():
    """The other process must find its own TensorFlow, not the one of this environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield


@pytest.fixture
def answers(strings):
    """Runs every signature with no, one and several texts in both runtimes."""

    def requests(classifier, count):
        columns = {"text": strings(TEXTS[:count])}
        if classifier.takes_pairs:
            columns["pair"] = strings(TEXTS[:count][::-1])
        values = list(zip(*(column.tolist() for column in columns.values()), strict=True))
        examples = [
            tf.train.Example(
                features=tf.train.Features(
                    feature={
                        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                        for name, value in zip(columns, row, strict=True)
                    }
                )
            ).SerializeToString()
            for row in values
        ]
        tensors = (tf.constant(column.tolist(), tf.string, shape=[count]) for column in columns.values())
        packed = {name: tensor.numpy() for name, tensor in classifier.text_graph(*tensors).items()}
        vectors = [("embed", columns)] if classifier.takes_pairs else []  # exported with it
        return [
            *vectors,
            ("serving_default", columns),
            ("classify", {"inputs": strings(examples)}),
            ("token_ids", packed),
            ("explain", {**columns, "label": strings([""] * count)}),
        ]

    def run(exported):
        asked = [case for count in (0, 1, len(TEXTS)) for case in requests(exported.classifier, count)]
        here, there = NativeModel(exported.path), NativeModel(exported.path, PYTHON)
        results = list(zip(here.run(asked), there.run(asked), strict=True))
        assert (here.runtime, there.runtime) == (tf.__version__, "2.20.0")
        return results

    return run


@pytest.mark.parametrize(
    "name", ["exported", "exported_pairs", "exported_sentencepiece", "exported_multi_label"]
)
def test_the_runtime_of_serving_2_20_answers_the_same(answers, request, name):
    for here, there in answers(request.getfixturevalue(name)):
        assert set(here) == set(there)
        for output, value in here.items():
            if value.dtype == np.float32:
                # An explanation sums over many steps.
                tolerance = 1e-3 if "attributions" in here else 1e-6
                np.testing.assert_allclose(there[output], value, rtol=0, atol=tolerance, err_msg=output)
            else:
                assert np.array_equal(there[output], value), output


@pytest.mark.parametrize("name", ["exported_bfloat16", "exported_int8"])
def test_in_less_precision_it_answers_nearly_the_same(answers, request, name):
    for here, there in answers(request.getfixturevalue(name)):
        for output in ("probabilities", "scores"):
            if output in here:
                np.testing.assert_allclose(there[output], here[output], rtol=0, atol=1e-2)


def test_a_damaged_model_is_refused_there_too(exported, strings, tmp_path):
    path = Path(shutil.copytree(exported.path, tmp_path / "1"))
    shutil.rmtree(path / "variables")
    with pytest.raises(ExportError, match="the native loader refused the model"):
        NativeModel(path, PYTHON).run([("serving_default", {"text": strings(["a"])})])

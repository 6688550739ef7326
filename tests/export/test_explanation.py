import numpy as np
import pytest
import tensorflow as tf

from kerasbert.explanation import explain
from kerasbert.export import NativeModel
from kerasbert.predictors.saved_model import SavedModel

pytestmark = pytest.mark.process

TEXTS = ["手机很好", "", "快递太差，再也不买了", "The 手机 is ＯＫ", "好" * 30]
PAIRS = ["手机", "酒店", "", "0123", "无" * 30]


def expected(classifier, **columns) -> dict[str, np.ndarray]:
    graph = tf.function(lambda **strings: explain(classifier, **strings))
    strings = {name: tf.constant(column) for name, column in columns.items()}
    return {name: value.numpy() for name, value in graph(**strings).items()}


def agree(answer, wanted) -> None:
    assert set(answer) == set(wanted)
    for name, value in wanted.items():
        assert answer[name].dtype == value.dtype
        assert answer[name].shape == value.shape
        if value.dtype == np.float32:
            np.testing.assert_allclose(answer[name], value, atol=1e-3, rtol=0)
        else:
            np.testing.assert_array_equal(answer[name], value)


def test_run_and_saved_model_and_native_loader_explain_alike(exported, strings):
    wanted = expected(exported.classifier, text=TEXTS)
    agree(SavedModel(exported.path).explain_batch(TEXTS), wanted)
    requests = [
        ("explain", {"text": strings(texts), "label": strings([""] * len(texts))}) for texts in (TEXTS, [])
    ]
    answer, nothing = NativeModel(exported.path).run(requests)
    agree(answer, wanted)
    assert nothing["label"].shape == (0,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exported_pairs", "exported_sentencepiece"])
def test_pairs_are_explained_alike(request, name, strings):
    exported = request.getfixturevalue(name)
    wanted = expected(exported.classifier, text=TEXTS, pair=PAIRS)
    agree(SavedModel(exported.path).explain_batch(TEXTS, PAIRS), wanted)
    features = {"text": strings(TEXTS), "pair": strings(PAIRS), "label": strings([""] * len(TEXTS))}
    agree(NativeModel(exported.path).run([("explain", features)])[0], wanted)


def test_a_bfloat16_export_explains_in_float32(exported_bfloat16, strings):
    features = {"text": strings(TEXTS), "label": strings(["positive"] * len(TEXTS))}
    (answer,) = NativeModel(exported_bfloat16.path).run([("explain", features)])
    agree(answer, expected(exported_bfloat16.classifier, text=TEXTS, label=["positive"] * len(TEXTS)))


def test_all_outputs_have_the_batch_first(exported_pairs):
    explain_signature = NativeModel(exported_pairs.path).signatures["explain"]
    assert set(explain_signature.inputs) == {"text", "pair", "label"}
    for name, output in explain_signature.outputs.items():
        rank = 2 if name.endswith(("words", "attributions")) else 1
        assert [d.size for d in output.tensor_shape.dim] == [-1] * rank

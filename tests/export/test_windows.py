"""Models of long texts. Each export was compared with its trainer in the native loader before it appeared."""

import platform
from pathlib import Path

import numpy as np
import pytest

from kerasbert import open_model
from kerasbert.checkpoints import RunDirectory
from kerasbert.export.native import NativeModel
from kerasbert.text import string_tensor

from ..serving.conftest import running
from .conftest import CHARACTERS, export_moved, export_untrained

pytestmark = pytest.mark.process

LONG = "".join(np.random.default_rng(0).choice(list(CHARACTERS), 100_000))
# Of one window, of two and three, and longer: they differ in what windows after the first hold.
TEXTS = ["手机好", "", "好" * 22, "好" * 22 + "贵", "好" * 40 + "贵无" * 9, LONG, "好" * 22 + "无" * 1_000]


@pytest.fixture(scope="module", params=["cls", "mean_max"])
def untrained(request, shared) -> tuple[RunDirectory, Path]:
    values = {"text": {"windows": 3}, "head": {"pooling": request.param}}
    return shared(
        f"windows_{request.param}", lambda to: export_untrained(["a", "b"], to, ["embed"], **values)
    )


@pytest.fixture(scope="module")
def ask(untrained, strings):
    model = NativeModel(untrained[1])

    def run(*requests):
        return model.run([(name, {"text": strings(texts)}) for name, texts in requests])

    return run


def test_texts_of_any_length_are_answered_as_the_trainer_does(ask, untrained):
    classifier = untrained[0].load()
    decided, vectors = ask(("serving_default", TEXTS), ("embed", TEXTS))
    expected = classifier.predict(TEXTS)
    np.testing.assert_allclose(decided["probabilities"], expected["probabilities"], atol=1e-5)
    np.testing.assert_allclose(vectors["vector"], classifier.vectors(string_tensor(TEXTS)), atol=1e-5)
    assert np.ptp(expected["probabilities"][2:, 0]) > 5e-5  # more than the first window is read


def test_the_answer_to_a_row_does_not_depend_on_its_batch(ask):
    together, *alone = ask(("serving_default", TEXTS), *(("serving_default", [text]) for text in TEXTS))
    for row, answer in enumerate(alone):
        np.testing.assert_allclose(together["probabilities"][row], answer["probabilities"][0], atol=1e-5)


def test_token_ids_may_be_of_several_windows(untrained):
    classifier = untrained[0].load()
    inputs = {name: value.numpy() for name, value in classifier.text_graph(string_tensor(TEXTS)).items()}
    (answer,) = NativeModel(untrained[1]).run([("token_ids", inputs)])
    expected = classifier.predict(TEXTS)["probabilities"]
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


@pytest.mark.slow
def test_lower_precisions_are_near(untrained, strings, tmp_path):
    if platform.machine() != "x86_64":
        pytest.skip("8-bit products need TensorFlow with oneDNN, as on x86-64")
    path = export_moved(untrained[0].path, tmp_path, precision="bfloat16", quantize="int8")
    (answer,) = NativeModel(path).run([("serving_default", {"text": strings(TEXTS)})])
    expected = untrained[0].load().predict(TEXTS)["probabilities"]
    difference = np.abs(answer["probabilities"] - expected).max()
    assert 0 < difference < 0.1


@pytest.mark.slow
def test_several_labels_are_served_over_rest_and_grpc(tmp_path):
    values = {"task": "multi_label", "text": {"windows": 3}, "head": {"pooling": "attention"}}
    run, path = export_untrained(["dear", "fast", "positive"], tmp_path, **values)
    expected = run.load().predict(TEXTS)["probabilities"]
    path.rename(path.with_name("1"))
    with running(path.parent) as server:
        for url in (f"{server.rest}/m", f"grpc://{server.grpc_address}/m"):
            np.testing.assert_allclose(open_model(url).predict_proba(TEXTS), expected, atol=1e-5)

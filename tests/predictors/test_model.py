"""A run, an export and a server give the same answers, and refuse the same inputs."""

import doctest
import itertools
import json
import math
import re

import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kerasbert
from kerasbert.errors import DataError, UserError
from kerasbert.models import TextClassifier
from kerasbert.predictors import Model, TextEncoder, open_encoder, open_model
from kerasbert.predictors.saved_model import SavedModel
from kerasbert.predictors.trained import TrainedModel
from kerasbert.tasks import Classification

TEXTS = ["手机很好", "", "酒店太差😀", "a\0b", "快递"]


@pytest.fixture(scope="session")
def exported_model(exported) -> SavedModel:
    return open_model(exported)


@pytest.fixture(params=["trained", "exported"])
def model(request, trained, exported_model) -> Model:
    return trained.model if request.param == "trained" else exported_model


@pytest.fixture(scope="session")
def pair_model(trained) -> TrainedModel:
    config = trained.classifier.config.model_copy(deep=True)
    config.data.pair_column = "pair"
    vocabulary = trained.classifier.text_graph.vocabulary
    return TrainedModel(TextClassifier(config, Classification(["no", "yes"]), vocabulary), "runs/pairs")


@pytest.mark.process
@pytest.mark.parametrize(
    "kind", [Model, TextEncoder, TrainedModel, open_encoder, open_model], ids=lambda kind: kind.__name__
)
def test_the_examples_of_the_docstrings_run(trained, kind):
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    names = {"model": trained.model, "kerasbert": kerasbert, "run_dir": trained.run.path}
    for example in finder.find(kind, kind.__name__, globs=names):
        runner.run(example)
    assert runner.tries >= 1
    assert not runner.failures


@pytest.mark.process
def test_one_text_is_answered_by_the_record_of_the_command_line(trained, kerasbert_command):
    records = [json.loads(line) for line in kerasbert_command("predict", trained.run.path, *TEXTS[::2])]
    assert trained.model.predict(TEXTS[::2]) == records
    assert [trained.model.predict(text)["label"] for text in TEXTS[::2]] == [r["label"] for r in records]


@pytest.mark.process
def test_a_run_and_its_export_agree(trained, exported_model):
    assert exported_model.labels == trained.model.labels
    np.testing.assert_allclose(
        exported_model.predict_proba(TEXTS), trained.model.predict_proba(TEXTS), atol=1e-5, rtol=0
    )
    ours, theirs = trained.model.explain(TEXTS[:2]), exported_model.explain(TEXTS[:2])
    assert [record["words"] and record["words"][0]["word"] for record in ours] == ["手", []]
    assert [record["label"] for record in ours] == [record["label"] for record in theirs]


@pytest.mark.parametrize(
    "wrap",
    [list, tuple, iter, pd.Series, pd.Index, pl.Series, pa.array, np.array,
     lambda texts: dict.fromkeys(texts).keys(),
     lambda texts: np.array(texts, object), lambda texts: pd.Series(texts, index=range(9, 4, -1)),
     lambda texts: pd.Series(texts, dtype="category"), lambda texts: pd.Series(texts, dtype="string"),
     lambda texts: pa.chunked_array([texts[:2], texts[2:]]), lambda texts: (text for text in texts)],
)  # fmt: skip
def test_any_iterable_of_texts_will_do(trained, wrap):
    assert trained.model.predict(wrap(TEXTS)) == trained.model.predict(TEXTS)


def test_strings_are_plain_strings(model):
    record = model.predict(np.array(["手机很好"]))[0]
    assert {type(record["text"]), type(record["label"])} == {str}
    assert json.loads(json.dumps(record)) == record


def test_nothing_gives_nothing(model):
    assert model.predict([]) == []
    assert model.explain([]) == []
    assert model.predict_proba([]).shape == (0, 2)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "explain", "embed"])
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, r"texts: must be a text \(str\) or an iterable of texts. Received: None"),
        (7, "Received: 7"),
        (math.nan, "Received: nan"),
        (b"\xe5\xa5\xbd", r"Received: bytes. Decode it: texts.decode\(\)"),
        ({"text": "好"}, "Received: dict. Pass one column of it."),
        (pd.DataFrame({"text": ["好"]}), "Received: DataFrame. Pass one column of it."),
        (pl.DataFrame({"text": ["好"]}), "Received: DataFrame. Pass one column of it."),
        (pa.table({"text": ["好"]}), "Received: Table. Pass one column of it."),
        (np.array("好"), "Received: ndarray. Pass"),
        (np.array([["好", "坏"]]), "Received: ndarray. Pass one column of it."),
        (["好", None], r"texts\[1\]: must be a text \(str\). Received: None \(NoneType\)"),
        (["好", 1], r"texts\[1\]: .* Received: 1 \(int\)"),
        (pd.Series(["好", None]), r"texts\[1\]: must be a text"),
        (pd.Series(["好", pd.NA], dtype="string"), r"texts\[1\]: .* Received: <NA>"),
        (pl.Series(["好", None]), r"texts\[1\]: .* Received: None"),
        (pa.array(["好", None]), r"texts\[1\]: .* Received: None"),
        ([("好", "坏")], r"texts\[0\]: .* Pass the second texts of pairs as an argument"),
        ([b"a"], r"texts\[0\]: .* Decode it."),
        ("\ud83d", "texts: holds half of a surrogate pair"),
        (["好", "a\udcff"], r"texts\[1\]: holds half of a surrogate pair, .* at place 1"),
    ],
)
def test_what_is_no_text_is_refused(trained, method, texts, message):
    with pytest.raises(DataError, match=message) as caught:
        getattr(trained.model, method)(texts)
    assert "\n" not in str(caught.value)


def test_pairs_are_refused_where_none_are_meant(model):
    with pytest.raises(DataError, match="takes single texts, not pairs"):
        model.predict("好", "坏")


@pytest.mark.slow
@pytest.mark.process
def test_pairs_are_answered_in_order(pair_model):
    together = pair_model.predict_proba(TEXTS, TEXTS[::-1])
    alone = [pair_model.predict_proba(a, b)[0] for a, b in zip(TEXTS, TEXTS[::-1], strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    record = pair_model.predict("手机", "酒店")
    assert (record["text"], record["pair"]) == ("手机", "酒店")
    assert pair_model.explain("手机", "酒店")["pair_words"]
    assert pair_model.embed([], []).shape == (0, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("好",), r"takes pairs: two texts a row. Pass the second ones too"),
        ((["好", "坏"], ["a"]), "Received: 2 texts and 1 texts"),
        (("好", ["a"]), "Received: one text and 1 texts"),
        (("好", None), "takes pairs"),
        ((["好"], [None]), r"pairs\[0\]: must be a text"),
    ],
)
def test_missing_pairs_are_refused(pair_model, arguments, message):
    with pytest.raises(DataError, match=message):
        pair_model.predict(*arguments)


def test_an_unknown_label_cannot_be_explained(model):
    with pytest.raises(UserError, match=r"^label: must be one of negative, positive. Received: 'neutral'"):
        model.explain("好", label="neutral")


def test_explaining_again_traces_nothing_anew(trained):
    trained.model.explain("好")
    traces = trained.model._explanation.experimental_get_tracing_count()
    trained.model.explain(["好", "坏"], label="negative")
    assert trained.model._explanation.experimental_get_tracing_count() == traces == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("好坏手机 a", max_size=20), max_size=150))
def test_batches_change_no_answer_and_no_vector(trained, texts):
    model = trained.model
    probabilities, vectors = model.predict_proba(texts), model.embed(texts)
    assert (vectors.shape, vectors.dtype) == ((len(texts), 16), np.float32)
    for row, text in enumerate(texts[:3]):
        np.testing.assert_allclose(model.predict_proba(text)[0], probabilities[row], atol=1e-6)
        np.testing.assert_allclose(model.embed(text)[0], vectors[row], atol=1e-5)


def test_batches_are_bounded(trained, monkeypatch):
    sizes = []
    predict = trained.classifier.predict
    monkeypatch.setattr(trained.classifier, "predict", lambda *c: sizes.append(len(c[0])) or predict(*c))
    texts = list(itertools.islice(itertools.cycle(TEXTS), 1500))
    assert [record["text"] for record in trained.model.predict(texts)] == texts
    assert max(sizes) == 64


def test_exports_have_no_keras_model_and_say_so(exported_model):
    with pytest.raises(UserError, match=r"has no Keras model. Open the run directory"):
        _ = exported_model.keras_model
    with pytest.raises(UserError, match=r"has no Keras model. Open the run directory"):
        exported_model.keras_inputs("好")
    assert not hasattr(exported_model, "keras_model")


def test_models_show_where_they_come_from(trained, exported_model):
    assert repr(trained.model) == f"TrainedModel({str(trained.run.path)!r})"
    assert re.fullmatch(r"SavedModel\('.*/1'\)", repr(exported_model))


# A head that takes the mean leaves the pooler of [CLS] without a gradient.
@pytest.mark.process
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_plain_keras_goes_on_with_the_model(trained, tmp_path):
    model = open_model(trained.run.path)
    texts, truth = ["手机很好", "酒店太差", "快递"], np.array([0, 1, 1])  # against what it has learnt
    before = model.predict_proba(texts)
    logits = model.keras_model.predict(model.keras_inputs(texts), batch_size=2, verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), before, atol=1e-5)
    model.keras_model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.keras_model.fit(model.keras_inputs(texts), truth, batch_size=2, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    assert np.abs(model.predict_proba(texts) - before).max() > 1e-4

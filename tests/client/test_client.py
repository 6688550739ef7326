import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kerasbert.client import Client
from kerasbert.errors import AddressError, DataError, UserError
from kerasbert.models import TextClassifier
from kerasbert.predictors import open_model

HOSTILE = ["", "手机很好", b"\xff\x00\xfe", "a\0b", "\ud7ff\u2028\U0001f600\ufeff", '"}]\\{', b"{", " "]


def assert_same_answers(answer: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(answer) == set(expected)
    for name, wanted in expected.items():
        assert answer[name].dtype == wanted.dtype, name
        assert answer[name].shape == wanted.shape, name
        if wanted.dtype == np.float32:
            np.testing.assert_allclose(answer[name], wanted, atol=1e-5, rtol=0)
        else:
            assert answer[name].tolist() == wanted.tolist(), name


@pytest.fixture
def classifier(trained) -> TextClassifier:
    return trained.classifier


@pytest.mark.process
def test_answers_have_the_values_and_types_of_the_model_in_this_process(served, classifier):
    with Client(served[0]) as client:
        assert client.labels == classifier.labels
        assert not client.takes_pairs
        assert_same_answers(client.predict(HOSTILE), classifier.predict(HOSTILE))


def test_no_texts_are_no_answers(served, classifier):
    with Client(served[0]) as client:
        assert_same_answers(client.predict([]), classifier.predict([]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.binary(max_size=20), max_size=40),
    st.integers(1, 50),
    st.integers(1, 6),
)
@example(["a"] * 7, 7, 1)
@example(["a"] * 7 + ["b"], 7, 3)
def test_batches_and_concurrency_change_nothing(served, classifier, texts, batch_size, concurrency):
    with Client(served[0], batch_size=batch_size, concurrency=concurrency) as client:
        assert_same_answers(client.predict(texts), classifier.predict(texts))


def test_every_kind_of_output_arrives_unchanged(served_handmade):
    url, model = served_handmade
    texts, pairs = HOSTILE, [f"{text!r} 二" for text in HOSTILE]
    expected = model.predict(
        {
            "text": [t if isinstance(t, bytes) else t.encode() for t in texts],
            "pair": [pair.encode() for pair in pairs],
        }
    )
    with Client(url, batch_size=3) as client:
        assert client.takes_pairs
        assert client.labels == ("甲", "b c", "三")
        answer = client.predict(texts, pairs)
        for name, wanted in expected.items():
            np.testing.assert_array_equal(answer[name], wanted)
            assert answer[name].dtype == wanted.dtype, name
        assert set(answer) == set(expected)
        assert client.predict([], [])["top_labels"].shape == (0, 2)


@pytest.mark.process
def test_vectors_are_those_of_the_model_in_this_process(served, exported):
    texts = [*HOSTILE, *("手机很好" * (number % 4) for number in range(80))]
    with Client(served[0]) as client:
        assert_same_answers(client.embed(texts), open_model(exported).embed_batch(texts))
        assert max(served[1].sizes) == 64
        assert client.embed([])["vector"].shape == (0, 16)


@pytest.mark.process
def test_explanations_are_those_of_the_model_in_this_process(served, exported):
    texts = [*HOSTILE, *("手机很好" * (number % 4) for number in range(20))]
    direct = open_model(exported)
    with Client(served[0]) as client:
        for label in (None, "positive"):
            assert_same_answers(client.explain(texts, label=label), direct.explain_batch(texts, label=label))
        assert max(served[1].sizes) == 8
        assert client.explain([])["words"].shape == (0, 0)
        with pytest.raises(UserError, match="takes single texts, not pairs"):
            client.explain(["a"], ["b"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("手机很好", r"^texts: must be a list of texts\. Received: str"),  # not four answers
        (b"abc", "^texts: must be a list of texts. Received: bytes"),
        ({"text": "好"}, "^texts: .* Received: dict"),
        (pd.DataFrame({"text": ["好"]}), "^texts: .* Received: DataFrame"),
        (7, "^texts: .* Received: int"),
        (["好", None], r"^texts\[1\]: must be a text\. Received: None"),
        ([("好", "坏")], r"^texts\[0\]: .* \(tuple\)"),
        (["\ud83d"], r"^texts\[0\]: holds half of a surrogate pair"),
    ],
)
def test_what_is_no_text_is_refused_before_it_is_sent(served, texts, message):
    with Client(served[0]) as client:
        for method in (client.predict, client.explain, client.embed):
            with pytest.raises(DataError, match=message):
                method(texts)


def test_an_unknown_label_is_not_answered_as_the_decided_one(served):
    with Client(served[0]) as client, pytest.raises(UserError, match="must be one of negative, positive"):
        client.explain(["好"], label="neutral")


@pytest.mark.parametrize("name", ["timeout", "deadline", "batch_size", "concurrency"])
@pytest.mark.parametrize("value", [0, -1, "3", None])
def test_numbers_must_be_above_0(name, value):
    with pytest.raises(UserError, match=f"^{name}: must be a .*number above 0.* Received: {value!r}"):
        Client("http://127.0.0.1/v1/models/mine", **{name: value})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timeout": float("inf")}, "timeout: must be a number above 0, at most 1000000. Received: inf"),
        ({"deadline": 1e10}, "deadline: must be a number above 0, at most 1000000. Received: 1"),
        ({"batch_size": 2.5}, "batch_size: must be a whole number above 0. Received: 2.5"),
        ({"api_key": b"k"}, "api_key: must be a str. Received: bytes"),
        ({"headers": [("x", "1")]}, "headers: must be a dict of str. Received: list"),
        ({"headers": {"x": 1}}, "headers: x must be a str. Received: int"),
        ({"headers": {"名": "1"}}, "headers: '名' is not the name of a header"),
        ({"headers": {"a b": "1"}}, "headers: 'a b' is not the name of a header"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments, message):
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        Client("http://127.0.0.1/v1/models/mine", **arguments)


def test_a_closed_client_says_so(served):
    with Client(served[0]) as client:
        client.predict(["a"])
    for ask in (lambda: client.predict(["a"]), lambda: client.embed(["a"]), lambda: client.labels):
        with pytest.raises(UserError, match=r": this client is closed\. Make a new one\.$"):
            ask()


def test_a_url_is_a_string():
    with pytest.raises(AddressError, match=r"^url: must be a str\. Received: NoneType"):
        Client(None)


def test_a_model_without_explanations_says_so(served_handmade):
    with (
        Client(served_handmade[0]) as client,
        pytest.raises(AddressError, match=r"without the signature `explain`\. Export the run again"),
    ):
        client.explain(["a"], ["b"])


def test_a_model_without_vectors_says_how_to_make_them(served_handmade):
    remedy = r"without the signature `embed`\. Export the run again with --signature embed"
    with Client(served_handmade[0]) as client, pytest.raises(AddressError, match=remedy):
        client.embed(["a"], ["b"])


def test_a_client_gets_enough_texts_to_explain_for_all_its_requests(served, monkeypatch):
    model, asked = open_model(served[0]), []

    def explain(texts, pairs=None, label=None):
        asked.append(len(texts))
        return {
            "label": np.full(len(texts), b"positive", object),
            **dict.fromkeys(("score", "baseline_score", "error"), np.zeros(len(texts))),
            **dict.fromkeys(("words", "attributions"), np.zeros((len(texts), 0))),
        }

    monkeypatch.setattr(model.client, "explain", explain)
    assert len(model.explain(["好"] * 40)) == 40
    assert asked == [32, 8]


def test_an_opened_url_answers_like_the_run(served, trained):
    texts = ["手机很好", "", "酒店太差😀", "a\0b"] * 50
    model = open_model(served[0])
    assert repr(model) == f"ServedModel({served[0]!r})"
    assert model.labels == trained.model.labels
    np.testing.assert_allclose(
        model.predict_proba(texts), trained.model.predict_proba(texts), atol=1e-5, rtol=0
    )
    for ours, theirs in zip(model.predict(texts[:3]), trained.model.predict(texts[:3]), strict=True):
        assert list(ours) == list(theirs)
        assert (ours["text"], ours["label"]) == (theirs["text"], theirs["label"])
    assert model.predict("手机很好")["label"] == "positive"
    assert [word["word"] for word in model.explain("手机很好")["words"]] == list("手机很好")
    assert model.predict([]) == model.explain([]) == []
    vectors = model.embed(texts, normalize=True, prefix="问")
    expected = trained.model.embed(texts, normalize=True, prefix="问")
    np.testing.assert_allclose(vectors, expected, atol=1e-5, rtol=0)
    assert (vectors.dtype, model.embed([]).shape) == (np.float32, (0, 16))
    with pytest.raises(UserError, match=r"its signature `embed` gives the mean of the tokens, not max\."):
        model.embed(texts, pooling="max")
    with pytest.raises(UserError, match=r"texts\[1\]: must be a text"):
        model.predict(["a", None])
    with pytest.raises(UserError, match="takes single texts, not pairs"):
        model.predict("a", "b")


def test_an_opened_url_of_a_model_of_pairs(served_handmade):
    model = open_model(served_handmade[0])
    assert model.takes_pairs
    record = model.predict("一", "二")
    assert (record["text"], record["pair"]) == ("一", "二")
    assert model.predict_proba([], []).shape == (0, 3)
    with pytest.raises(UserError, match="takes pairs: two texts a row"):
        model.predict("一")

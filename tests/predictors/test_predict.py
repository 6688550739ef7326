import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.data import Row
from kerasbert.predictors import answer_record, predict_rows

LABELS = ("a", "b")


class LengthModel:
    """Answers with a figure of the very text, so that a mix-up shows."""

    labels = LABELS
    batch_size = 64

    def __init__(self):
        self.sizes = []

    def predict_batch(self, texts, pairs=None):
        self.sizes.append(len(texts))
        values = [
            [hash((text, pair)) % 1000 / 1000, len(text)]
            for text, pair in zip(texts, pairs or [None] * len(texts), strict=True)
        ]
        return {"probabilities": np.array(values)}


def row(text: str, pair: str | None = None) -> Row:
    return Row(text, (), pair, "f", 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=6), max_size=300), st.integers(1, 400), st.booleans())
def test_order_and_answers_do_not_depend_on_the_window(texts, window, pairs):
    rows = [row(text, text[::-1] if pairs else None) for text in texts]
    model = LengthModel()
    answered = list(predict_rows(model, rows, window=window))
    assert [r for r, _ in answered] == rows
    for r, answer in answered:
        alone = model.predict_batch([r.text], None if r.pair is None else [r.pair])
        assert answer["probabilities"].tolist() == alone["probabilities"][0].tolist()
    assert max(model.sizes, default=0) <= 64


def test_no_rows_give_no_answers():
    assert list(predict_rows(LengthModel(), [])) == []


def test_an_endless_stream_is_answered_as_it_comes():
    taken = itertools.count()
    endless = (row("x" * (next(taken) % 7)) for _ in itertools.count())
    answered = predict_rows(LengthModel(), endless, window=8)
    assert len(list(itertools.islice(answered, 20))) == 20
    assert next(taken) == 24


def test_the_default_window_is_bounded():
    taken = itertools.count()
    endless = (row(str(next(taken))) for _ in itertools.count())
    next(predict_rows(LengthModel(), endless))
    assert next(taken) <= 4096


def test_with_a_window_of_one_each_row_is_answered_before_the_next_is_read():
    read = []
    rows = (read.append(text) or row(text) for text in "abc")
    for answered, (r, _) in enumerate(predict_rows(LengthModel(), rows, window=1), 1):
        assert read == list("abc")[:answered]
        assert r.text == read[-1]


@pytest.mark.parametrize("window", [1, 7, 80, 1000])
def test_a_trained_model_answers_alike_for_any_window(trained, reviews, window):
    rows = [*reviews.rows, row("") , row("很长的文本" * 50)]  # fmt: skip
    expected = trained.classifier.predict([r.text for r in rows])
    answers = [answer for _, answer in predict_rows(trained.model, rows, window)]
    np.testing.assert_allclose(
        [answer["probabilities"] for answer in answers], expected["probabilities"], atol=1e-5, rtol=0
    )
    assert [answer["label"] for answer in answers] == expected["label"].tolist()


def test_a_record_is_json_with_text_label_and_score_first():
    answer = {
        "label": "甲".encode(),
        "label_id": np.int64(0),
        "score": np.float32(0.75),
        "probabilities": np.array([0.75, 0.25], np.float32),
        "top_labels": np.array(["甲".encode(), b"b"], object),
        "selected": np.array([1, 0], np.int32),
    }
    record = answer_record(row("一", "二"), answer, ("甲", "b"))
    assert json.loads(json.dumps(record)) == {
        "text": "一",
        "pair": "二",
        "label": "甲",
        "score": 0.75,
        "top_labels": ["甲", "b"],
        "selected": [1, 0],
        "probabilities": {"甲": 0.75, "b": 0.25},
    }
    assert list(record)[:4] == ["text", "pair", "label", "score"]


def test_a_real_answer_becomes_a_record(trained, reviews):
    ((r, answer),) = predict_rows(trained.model, reviews.rows[:1])
    record = json.loads(json.dumps(answer_record(r, answer, trained.classifier.labels)))
    assert record["label"] in ("negative", "positive")
    assert record["score"] == max(record["probabilities"].values())
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)

import numpy as np
import pytest

from kerasbert.config import Config
from kerasbert.models import TextClassifier
from kerasbert.tasks import Classification
from kerasbert.training import TrainResult

TEXTS = ("手机很好", "酒店太差，早餐难吃，非常失望，再也不来了", "", "快递", "a" * 200, "\0", "😀 喜欢")


@pytest.fixture
def classifier(trained: TrainResult) -> TextClassifier:
    return trained.classifier


@pytest.fixture(scope="module")
def pair_classifier(trained: TrainResult) -> TextClassifier:
    config = trained.classifier.config.model_copy(deep=True)
    config.data.pair_column = "pair"
    vocabulary = trained.classifier.text_graph.vocabulary
    return TextClassifier(config, Classification(["no", "yes"]), vocabulary)


def test_text_truncation_is_a_setting_of_the_model_and_head_where_a_run_has_none(trained: TrainResult):
    saved = trained.classifier.config.model_dump()
    del saved["text"]["truncation"]  # as in runs from before there was a choice
    old = Config.model_validate(saved)
    assert old.text.truncation == "head"
    tail = old.model_copy(update={"text": old.text.model_copy(update={"truncation": "tail"})})
    vocabulary = trained.classifier.text_graph.vocabulary
    text = "手机酒店早餐衣服电影快递耳机鞋子"
    models = [TextClassifier(config, Classification(["a", "b"]), vocabulary) for config in (old, tail)]
    head_ids, tail_ids = (model.text_graph([text])["token_ids"].numpy()[0] for model in models)
    whole = models[0].text_graph.tokenize([text]).to_list()[0]
    assert head_ids.tolist()[1:-1] == whole[:14]
    assert tail_ids.tolist()[1:-1] == whole[-14:]


def test_a_row_alone_is_answered_as_in_a_batch(classifier: TextClassifier):
    together = classifier.predict(TEXTS)
    for row, text in enumerate(TEXTS):
        alone = classifier.predict([text])
        np.testing.assert_allclose(alone["probabilities"][0], together["probabilities"][row], atol=1e-6)
        assert alone["label"][0] == together["label"][row]


def test_the_order_of_a_batch_does_not_matter(classifier: TextClassifier):
    forward, backward = classifier.predict(TEXTS), classifier.predict(TEXTS[::-1])
    np.testing.assert_allclose(forward["probabilities"], backward["probabilities"][::-1], atol=1e-6)


def test_bytes_and_strings_are_the_same(classifier: TextClassifier):
    strings = classifier.predict(TEXTS)
    raw = classifier.predict([text.encode() for text in TEXTS])
    np.testing.assert_array_equal(strings["probabilities"], raw["probabilities"])


def test_invalid_bytes_are_answered(classifier: TextClassifier):
    broken = "手机很好".encode()[:-1]
    answers = classifier.predict([broken, b"\xff\xfe", b""])
    assert np.all(np.isfinite(answers["probabilities"]))


def test_no_text_gets_no_answer(classifier: TextClassifier):
    answers = classifier.predict([])
    assert answers["probabilities"].shape == (0, 2)
    assert {len(value) for value in answers.values()} == {0}
    assert answers["label_id"].dtype == np.int64


def test_answers_of_a_trained_model_are_named_by_its_labels(classifier: TextClassifier):
    answers = classifier.predict(TEXTS)
    assert classifier.labels == ("negative", "positive")
    named = [classifier.labels[i].encode() for i in answers["label_id"]]
    assert answers["label"].tolist() == named


@pytest.mark.process
def test_a_pair_is_not_its_reverse(pair_classifier: TextClassifier):
    assert pair_classifier.takes_pairs
    one = pair_classifier.predict(["手机很好"], ["太差"])
    other = pair_classifier.predict(["太差"], ["手机很好"])
    assert np.abs(one["probabilities"] - other["probabilities"]).max() > 1e-6


def test_pairs_alone_are_answered_as_in_a_batch(pair_classifier: TextClassifier):
    pairs = TEXTS[::-1]
    together = pair_classifier.predict(TEXTS, pairs)["probabilities"]
    alone = [pair_classifier.predict([a], [b])["probabilities"][0] for a, b in zip(TEXTS, pairs, strict=True)]
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_no_pair_gets_no_answer(pair_classifier: TextClassifier):
    assert pair_classifier.predict([], [])["probabilities"].shape == (0, 2)

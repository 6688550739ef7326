from pathlib import Path

import kerasbert_sentiment
import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from kerasbert_sentiment import Sentiment
from scipy.special import expit

LOGITS = arrays.arrays(
    np.float32, st.tuples(st.integers(0, 6), st.just(2)), elements=st.floats(-100, 100, width=32)
)


def decide(logits: np.ndarray) -> dict[str, np.ndarray]:
    task = Sentiment(Sentiment.fixed_labels)
    return {name: value.numpy() for name, value in task.decide(tf.constant(logits)).items()}


@settings(deadline=None, max_examples=50)
@given(LOGITS)
def test_polarity_is_the_balance_of_the_probabilities(logits: np.ndarray):
    positive = expit(logits[:, 1].astype(float) - logits[:, 0])
    np.testing.assert_allclose(decide(logits)["polarity"], 2 * positive - 1, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(LOGITS)
def test_polarity_lies_between_minus_one_and_one(logits: np.ndarray):
    polarity = decide(logits)["polarity"]
    assert np.all((polarity >= -1) & (polarity <= 1))


@settings(deadline=None, max_examples=50)
@given(LOGITS)
def test_the_sign_of_the_polarity_agrees_with_the_label(logits: np.ndarray):
    outputs = decide(logits)
    np.testing.assert_array_equal(outputs["polarity"] > 0, outputs["label"] == b"positive")
    np.testing.assert_array_equal(outputs["polarity"] <= 0, outputs["label"] == b"negative")


def test_certain_texts_have_the_extreme_polarities():
    assert decide(np.array([[-99, 99], [99, -99], [1, 1]], np.float32))["polarity"].tolist() == [1, -1, 0]


def test_pairs_of_negation_are_of_opposite_polarity_and_not_trained_on():
    data = Path(kerasbert_sentiment.__file__).parent / "data"
    lines = (data / "negation.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    assert [label for _, label, _ in rows] == ["positive", "negative"] * 30
    assert all(one[2] == other[2] for one, other in zip(rows[::2], rows[1::2], strict=True))
    texts = {text for text, _, _ in rows}
    assert len(texts) == 60
    trained = (data / "train.tsv").read_text(encoding="utf-8").splitlines()
    assert not texts & {line.split("\t")[0] for line in trained}

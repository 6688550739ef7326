import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from kerasbert_news_topic import NewsTopic

from kerasbert.errors import ConfigError

TOPICS = ("finance", "sports", "stocks", "games")
LOGITS = arrays.arrays(
    np.float32, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats(-20, 20, width=32)
)


def decide(logits: np.ndarray, k: int) -> dict[str, np.ndarray]:
    outputs = NewsTopic(TOPICS, {"top_k": k}).decide(tf.constant(logits, tf.float32))
    return {name: value.numpy() for name, value in outputs.items()}


@settings(deadline=None, max_examples=50)
@given(LOGITS, st.integers(1, 4))
def test_the_top_scores_are_the_highest_probabilities_in_order(logits: np.ndarray, k: int):
    outputs = decide(logits, k)
    expected = -np.sort(-outputs["probabilities"], axis=1)[:, :k]
    np.testing.assert_array_equal(outputs["top_scores"], expected)


@settings(deadline=None, max_examples=50)
@given(LOGITS, st.integers(1, 4))
def test_each_top_label_has_its_own_score(logits: np.ndarray, k: int):
    outputs = decide(logits, k)
    for row in range(len(logits)):
        named = [TOPICS.index(label.decode()) for label in outputs["top_labels"][row]]
        assert len(set(named)) == k
        np.testing.assert_array_equal(outputs["probabilities"][row, named], outputs["top_scores"][row])


@settings(deadline=None, max_examples=50)
@given(LOGITS)
def test_the_first_of_the_top_is_the_decision(logits: np.ndarray):
    outputs = decide(logits, 3)
    np.testing.assert_array_equal(outputs["top_labels"][:, 0], outputs["label"])
    np.testing.assert_array_equal(outputs["top_scores"][:, 0], outputs["score"])


def test_more_than_there_are_gives_all():
    outputs = decide([[1, 3, 2, 0]], k=10)
    assert outputs["top_labels"].tolist() == [[b"sports", b"stocks", b"finance", b"games"]]
    assert outputs["top_scores"].sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_an_impossible_k_is_refused(k: float):
    with pytest.raises(ConfigError, match="task_options: top_k"):
        NewsTopic(TOPICS, {"top_k": k})

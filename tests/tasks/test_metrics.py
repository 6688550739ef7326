import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from kerasbert.tasks.metrics import decisions, score_decisions

LABELS = ("a", "b", "c")
label_ids = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)
bits = st.tuples(*[st.booleans()] * 3)
label_sets = st.lists(st.tuples(bits, bits), min_size=1, max_size=30)


def one_hot(ids: np.ndarray) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[ids]


@pytest.mark.process
@settings(deadline=None, max_examples=50)
@given(label_ids)
def test_metrics_of_one_label_a_row_are_those_of_scikit_learn(pairs: list):
    truth, decided = np.array(pairs).T
    metrics = score_decisions(one_hot(truth), one_hot(decided), LABELS)
    assert metrics["accuracy"] == accuracy_score(truth, decided)
    # scikit-learn takes the labels that occur on either side.
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro", zero_division=0))
    assert metrics["macro_f1_labels"] == len({*truth, *decided})
    assert metrics["micro_f1"] == pytest.approx(accuracy_score(truth, decided))
    for i, label in enumerate(LABELS):
        of = metrics["per_class"][label]
        assert of["precision"] == precision_score(truth == i, decided == i, zero_division=0)
        assert of["recall"] == recall_score(truth == i, decided == i, zero_division=0)
        assert of["f1"] == f1_score(truth == i, decided == i, zero_division=0)
        assert of["support"] == np.sum(truth == i)


@settings(deadline=None, max_examples=50)
@given(label_sets)
def test_metrics_of_several_labels_a_row_are_those_of_scikit_learn(pairs: list):
    truth, decided = (np.array(side, np.float32) for side in zip(*pairs, strict=True))
    metrics = score_decisions(truth, decided, LABELS)
    occur = [i for i in range(3) if truth[:, i].any() or decided[:, i].any()]
    macro = f1_score(truth, decided, average="macro", labels=occur, zero_division=0) if occur else 0.0
    assert metrics["macro_f1"] == pytest.approx(macro)
    assert metrics["macro_f1_labels"] == len(occur)
    assert metrics["micro_f1"] == pytest.approx(f1_score(truth, decided, average="micro", zero_division=0))
    assert metrics["accuracy"] == pytest.approx(np.mean([a == b for a, b in pairs]))
    assert metrics["examples"] == len(pairs)


def test_metrics_are_plain_numbers():
    metrics = score_decisions(one_hot([0, 1]), one_hot([0, 2]), LABELS)
    per_class = metrics.pop("per_class")
    assert all(type(value) in (int, float) for value in metrics.values())
    assert all(type(value) in (int, float) for of in per_class.values() for value in of.values())


def test_label_ids_become_one_hot_rows():
    np.testing.assert_array_equal(decisions({"label_id": np.array([2, 0])}, 3), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("names", [["selected"], ["given"], ["selected", "given"]])  # `given`: formerly
def test_selected_labels_go_before_the_label_id(names):
    outputs = {"label_id": np.array([2]), **dict.fromkeys(names, np.array([[1, 1, 0]], np.int32))}
    decided = decisions(outputs, 3)
    np.testing.assert_array_equal(decided, [[1, 1, 0]])
    assert decided.dtype == np.float32

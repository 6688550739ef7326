"""Recall and precision in slices, beside scikit-learn's and SciPy's."""

import numpy as np
import pytest
from scipy.stats import fisher_exact
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from kerasbert.evaluation import summary
from kerasbert.evaluation.evaluate import Parts, evaluate_outputs
from kerasbert.evaluation.fairness import CAVEAT, fairness_metrics
from kerasbert.evaluation.slices import Slicing, column_slicing, remarkable
from kerasbert.evaluation.summary import fairness_lines, remarks

LABELS = ("a", "b", "c")


def made(rows: int, missed: float, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Returns true and decided labels, and slices: in `x`, a share `missed` of the rows of `b` is `a`."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, rows)
    decided = np.where(random.random(rows) < 0.2, random.integers(0, 3, rows), truth)
    values = random.choice(["x", "y", "z"], rows, p=[0.3, 0.5, 0.2])
    decided[(values == "x") & (truth == 1) & (random.random(rows) < missed)] = 0
    return truth, decided, values.tolist()


def measured(truth, decided, values, groups=None) -> dict:
    return fairness_metrics(np.eye(3)[truth], np.eye(3)[decided], LABELS, [Slicing("s", values)], groups)


def test_each_share_is_scikit_learns_and_each_p_fishers():
    truth, decided, values = made(2000, 0.3, 0)
    found = measured(truth, decided, values)
    assert len(found["gaps"]) == 2 * 3 * 3
    for of in found["gaps"]:
        place = LABELS.index(of["label"])
        within = np.array(values) == of["value"]
        score = recall_score if of["metric"] == "recall" else precision_score

        def share(rows, score=score, place=place):
            return score(truth[rows], decided[rows], labels=[place], average=None)[0]

        assert of["share"] == pytest.approx(share(within))
        assert of["gap"] == pytest.approx(share(within) - share(~within))
        assert of["interval"][0] <= of["share"] <= of["interval"][1]
        assert of["gap_interval"][0] <= of["gap"] <= of["gap_interval"][1]
        table = []
        for rows in (within, ~within):
            matrix = confusion_matrix(truth[rows], decided[rows], labels=[0, 1, 2])
            hits, all_of = matrix[place, place], matrix.sum(1 if of["metric"] == "recall" else 0)[place]
            table.append([hits, all_of - hits])
        assert of["rows"] == sum(table[0])
        assert of["p"] == pytest.approx(fisher_exact(table).pvalue)
        assert of["p"] <= of["p_adjusted"] <= 1
    assert found["tests"] == 18
    first, *_ = remarkable(found["gaps"])
    assert (first["metric"], first["label"], first["value"]) == ("recall", "b", "x")


def test_differences_are_between_the_lowest_and_the_highest_slice():
    truth, decided, values = made(2000, 0.3, 1)
    first = measured(truth, decided, values)["differences"][0]
    shares = {
        value: recall_score(truth[of], decided[of], labels=[1], average=None)[0]
        for value in "xyz"
        for of in [np.array(values) == value]
    }
    assert (first["metric"], first["label"], first["lowest"]) == ("recall", "b", "x")
    assert first["difference"] == pytest.approx(max(shares.values()) - min(shares.values()))
    assert shares[first["highest"]] == max(shares.values())


@pytest.mark.process
def test_without_gaps_hardly_any_evaluation_shows_one(monkeypatch):
    none = np.zeros(6), np.ones(6)
    monkeypatch.setattr("kerasbert.evaluation.slices.intervals", lambda *_: none)
    falsely = sum(bool(remarkable(measured(*made(400, 0, seed))["gaps"])) for seed in range(100))
    assert falsely / 100 <= 0.05 + 0.03


def test_copies_in_groups_are_no_evidence():
    truth, decided, values = (np.repeat(of, 20) for of in made(60, 0.5, 3))
    groups = np.repeat(np.arange(60).astype(str), 20).tolist()
    alone, grouped = (measured(truth, decided, values.tolist(), of) for of in (None, groups))
    smallest = [min(of.get("p", 1) for of in found["gaps"]) for found in (alone, grouped)]
    assert smallest[0] < 1e-6 < 1e-3 < smallest[1]
    assert grouped["test"].startswith("Wald")


def test_a_label_without_rows_or_in_few_slices_has_no_gap():
    truth, decided = np.array([0] * 30 + [1] * 3), np.array([0] * 30 + [1] * 3)
    found = measured(truth, decided, ["x"] * 20 + ["y"] * 13)
    assert {of["label"] for of in found["gaps"] if "gap" in of} == {"a"}
    assert {of["label"] for of in found["differences"]} == {"a"}
    assert measured(truth, decided, ["x"] * 33)["gaps"] == []


def test_columns_have_fairness_figures_and_remarks(evaluate_chosen):
    truth, decided, values = made(900, 0.5, 0)
    base = evaluate_chosen(LABELS, [((LABELS[t],), np.eye(3)[0], "x") for t in truth])
    assert "fairness" not in base.metrics
    outputs = {"probabilities": np.eye(3, dtype=np.float32)[decided], "label_id": decided}
    outputs["score"] = np.ones(900, np.float32)
    parts = Parts(None, [column_slicing("source", values)])
    metrics = evaluate_outputs(LABELS, base.rows, outputs, None, parts).metrics
    line, *_ = fairness_lines(metrics)
    assert line.startswith("recall differs most for b: by ")
    assert "between source 'x' and" in line
    assert line in summary(metrics)
    said = remarks(metrics)
    assert any(remark.startswith("Recall of b ") and "points lower" in remark for remark in said)
    assert CAVEAT in said

"""What the console says in the end."""

import numpy as np
import pytest
from rich.cells import cell_len

from kerasbert.evaluation import summary, training_summary
from kerasbert.evaluation.slices import CAUTION, Slicing, slice_metrics
from kerasbert.evaluation.summary import brief, calibration_line, rejection_line, remarks

OVERALL = ("accuracy", "macro_f1", "micro_f1")
LABELS = ("房间干净", "b", "c")
# Two rows of the first label found, one of the second taken for the first; none of the third.
ROWS = [((LABELS[0],), [1.0, 0.0, 0.0], "x")] * 2 + [((LABELS[1],), [0.9, 0.1, 0.0], "y")]
METRICS = {"train_rows": 1200, "examples": 3, "left_out_rows": 7, "best_epoch": 4}


def with_baseline(metrics: dict, accuracy: float, macro_f1: float) -> dict:
    return {
        **metrics,
        "baseline": {
            "model": "naive Bayes",
            "accuracy": accuracy,
            "macro_f1": macro_f1,
            "micro_f1": accuracy,
        },
    }


@pytest.fixture(scope="module")
def metrics(evaluate_chosen) -> dict:
    return {**evaluate_chosen(LABELS, ROWS).metrics, "left_out": 5}


def test_the_summary_has_metrics_baseline_labels_and_confusions(metrics):
    text = summary(with_baseline(metrics, 0.123456, 0.5))
    shown = "accuracy 0.6667 [{}]  macro F1 0.4000 [{}]  micro F1 0.6667 [{}]  rows 3  left out 5\n"
    ends = [" ".join(f"{end:.3f}"[1:] for end in metrics["intervals"][name]) for name in OVERALL]
    assert shown.format(*ends) in text
    assert "accuracy 0.1235  macro F1 0.5000  micro F1 0.1235  naive Bayes\n" in text
    assert "1 of b taken for 房间干净\n" in text
    head, *rows = text.splitlines()[3:7]
    assert {cell_len(line) for line in rows} == {cell_len(head)}, "wide characters take two cells"


def test_rows_longer_than_a_window_are_said(metrics):
    lengths = {"max_length": 128, "windows": 1, "longer": 0.25, "cut": 0.25}
    assert "rows longer than max_length 128: 25.0%, which are cut\n" in summary(
        {**metrics, "lengths": lengths}
    )
    lengths = {**lengths, "windows": 8, "cut": 0.01}
    said = "25.0%, read in up to 8 windows; longer still and cut: 1.0%\n"
    assert said in summary({**metrics, "lengths": lengths})
    assert "longer than" not in summary({**metrics, "lengths": {**lengths, "longer": 0.0}})


def test_levels_of_a_hierarchy_are_said(metrics):
    level = {"labels": 2, "accuracy": 0.75, "macro_f1": 0.5}
    of = {"levels": [level], "precision": 0.5, "recall": 0.5, "f1": 0.625}
    for text in (
        summary({**metrics, "hierarchy": of}),
        training_summary({**metrics, "hierarchy": of}, METRICS),
    ):
        assert "level 1, 2 labels: accuracy 0.7500  macro F1 0.5000\nhierarchical F1 0.6250" in text


def test_labels_that_were_never_found_or_do_not_occur_are_said(metrics):
    assert "Recall 0, none of their rows was found: b." in remarks(metrics)
    assert any(remark.startswith("Macro F1 is over 2 of 3 labels") for remark in remarks(metrics))


def test_of_many_labels_that_were_never_found_some_are_named(evaluate_chosen):
    labels = [f"l{i}" for i in range(14)]
    found = evaluate_chosen(labels, [((label,), [1.0] + [0.0] * 13, label) for label in labels]).metrics
    assert any("l1, l2, " in remark and "l10 and 3 more." in remark for remark in remarks(found))


@pytest.mark.parametrize(
    ("accuracy", "macro_f1", "said"),
    [
        (0.6, 0.3, None),
        (0.7, 0.3, "Not better than naive Bayes: accuracy 0.6667 against 0.7000."),
        (0.6, 0.5, "Not better than naive Bayes: macro F1 0.4000 against 0.5000."),
        (
            2 / 3,
            0.5,
            "Not better than naive Bayes: accuracy 0.6667 against 0.6667 and macro F1 0.4000 against",
        ),
    ],
)
def test_what_is_not_better_than_naive_bayes_is_told_so(metrics, accuracy, macro_f1, said):
    (found,) = [r for r in remarks(with_baseline(metrics, accuracy, macro_f1)) if "Bayes" in r] or [""]
    assert found.startswith(said) if said else not found


def test_it_is_said_that_there_is_no_naive_bayes(metrics):
    assert "Not compared with naive Bayes: the training rows are missing or cannot be used." in remarks(
        metrics
    )


def test_a_training_ends_with_its_rows(metrics):
    text = training_summary(with_baseline(metrics, 0.7, 0.5), METRICS)
    assert "macro F1 0.4000" in text
    assert "(epoch 4)" in text
    assert "rows: 1,200 to train on, 3 to validate on, 7 left out\n" in text
    assert "naive Bayes\n" in text
    assert "Recall 0, none of their rows was found: b." in text
    assert "Not better than naive Bayes: " in text
    assert "(in epoch 1)" in training_summary(metrics, {**METRICS, "best_epoch": 0})


def test_gaps_between_parts_are_told_of_with_a_caution(evaluate_chosen):
    texts = [f"很好{i}" if i % 2 else f"http://x.cn {i}" for i in range(80)]
    rows = [(("a",), [0.9, 0.1] if i % 2 else [0.1, 0.9], text) for i, text in enumerate(texts)]
    metrics = evaluate_chosen(("a", "b"), rows).metrics
    said = remarks(metrics)
    assert any(
        "row(s) of script 'mostly Latin letters', 100.0 points lower than on the others (Fisher's" in remark
        for remark in said
    )
    assert said[-1] == CAUTION
    assert "gap to the others" not in summary(metrics), "only of columns"


def test_parts_by_column_are_a_table(evaluate_chosen):
    metrics = evaluate_chosen(("a", "b"), [(("a",), [0.9, 0.1], str(i)) for i in range(30)]).metrics
    slicing = Slicing("来源", ["网页"] * 15 + ["app"] * 12 + ["x"] * 3, column=True)
    metrics["slices"] = slice_metrics(np.array([True] * 20 + [False] * 10), [slicing])
    head, *lines = [line for line in summary(metrics).splitlines() if line.startswith(("来源", "slice "))]
    assert [line.split()[1] for line in lines] == ["网页", "app", "x"]
    assert "too few rows" in lines[2]
    assert len({cell_len(line[: line.index("[")]) for line in lines}) == 1
    assert "gap to the others" in head


@pytest.mark.parametrize(
    ("ends", "shown"), [([0.5, 1.0], "[.500 1.00]"), ([0.0, 0.99951], "[.000 1.00]"), ([0, 0], "[.000 .000]")]
)
def test_intervals_are_short(ends, shown):
    assert brief(ends) == shown


def test_what_the_temperature_changed_is_said(metrics):
    now = {"ece": 0.012, "ece_by_chance": 0.011, "brier": 0.1, "nll": 0.2, "temperature": 1.456}
    line = calibration_line({**now, "uncalibrated": {"ece": 0.05, "brier": 0.11, "nll": 0.3}})
    assert line == (
        "ECE 0.0120 (from 0.0500), by chance 0.0110  Brier 0.1000 (from 0.1100)  NLL 0.2000 (from 0.3000), "
        "temperature 1.46"
    )
    assert calibration_line({**now, "temperature": 1.0}) == (
        "ECE 0.0120, by chance 0.0110  Brier 0.1000  NLL 0.2000"
    )
    assert "\nECE 0." in summary(metrics)
    assert "\nECE 0." in training_summary(metrics, METRICS)


def test_what_is_accepted_is_said_if_anything_is_rejected(metrics):
    assert rejection_line(metrics["rejection"]) == []
    found = {"aurc": 0.01, "coverage": 0.8, "accepted_accuracy": 0.95, "rejected_accuracy": 0.6}
    line = "accepted 0.8000  accuracy 0.9500 of these, 0.6000 of the others  AURC 0.0100"
    assert rejection_line(found) == [line]
    assert line in summary({**metrics, "rejection": found})
    assert rejection_line({**found, "coverage": 1.0, "rejected_accuracy": None}) == [
        "accepted 1.0000  accuracy 0.9500 of these  AURC 0.0100"
    ]

"""Comparisons of two models, of which the test chooses the answers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

from kerasbert.data import Row, Rows
from kerasbert.errors import DataError, UserError
from kerasbert.evaluation.answers import Answers
from kerasbert.evaluation.compare import compare
from kerasbert.evaluation.compare_report import comparison_summary, flipped_rows, write_comparison
from kerasbert.evaluation.comparison import compare_answers
from kerasbert.evaluation.conclusions import conclusions, points

LABELS = ("a", "b", "c")


def rows(truth) -> Rows:
    return Rows(
        [
            Row(f"text {i}", tuple(labels), None, "made.csv", i + 2)
            for i, labels in enumerate([label] if isinstance(label, str) else label for label in truth)
        ]
    )


def answers(decided, labels=LABELS, is_model=True) -> Answers:
    given = [(label,) if isinstance(label, str) else tuple(label) for label in decided]
    return Answers("somewhere", tuple(labels), given, is_model)


def compared(truth, a, b, **options):
    return compare_answers(answers(a), answers(b), rows(truth), LABELS, **options)


@pytest.mark.process
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(LABELS)] * 3), min_size=1, max_size=60))
def test_metrics_are_those_of_scikit_learn_and_scipy(cells):
    truth, a, b = zip(*cells, strict=True)
    metrics = compared(truth, a, b).metrics
    for side, decided in (("a", a), ("b", b)):
        assert metrics[side]["accuracy"] == pytest.approx(accuracy_score(truth, decided))
        assert metrics[side]["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro"))
        low, high = metrics[side]["intervals"]["accuracy"]
        assert 0 <= low <= metrics[side]["accuracy"] <= high <= 1
    difference = metrics["difference"]["accuracy"]
    assert difference["value"] == pytest.approx(accuracy_score(truth, b) - accuracy_score(truth, a))
    right = [np.array(truth) == np.array(of) for of in (a, b)]
    only_a, only_b = int(sum(right[0] & ~right[1])), int(sum(right[1] & ~right[0]))
    assert (metrics["only_a_right"], metrics["only_b_right"]) == (only_a, only_b)
    assert metrics["both_right"] + only_a + only_b + metrics["both_wrong"] == len(cells)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1
    assert metrics["mcnemar"]["p"] == pytest.approx(expected)
    assert sum(of["only_a"] for of in metrics["flips"].values()) == only_a
    assert sum(of["only_b"] for of in metrics["flips"].values()) == only_b
    assert json.loads(json.dumps(metrics)) == metrics
    assert "B - A" in comparison_summary(metrics)


def test_exchanging_a_and_b_changes_the_signs():
    random = np.random.default_rng(0)
    truth, a, b = (random.choice(LABELS, 200) for _ in range(3))
    there, back = compared(truth, a, b).metrics, compared(truth, b, a).metrics
    for name in ("accuracy", "macro_f1"):
        low, high = there["difference"][name]["interval"]
        assert there["difference"][name]["value"] == -back["difference"][name]["value"]
        assert back["difference"][name]["interval"] == pytest.approx([-high, -low], abs=0.02)
    assert there["equivalence"] == back["equivalence"]


def test_several_labels_a_row_are_compared_label_by_label():
    truth = [("a", "b"), ("a",), (), ("c",)]
    comparison = compared(truth, [("a", "b"), ("a", "c"), (), ("c",)], [("a",), ("a",), ("b",), ("c",)])
    metrics = comparison.metrics
    assert (metrics["only_a_right"], metrics["only_b_right"]) == (2, 1)
    assert metrics["flips"]["b"] == {"rows": 1, "only_a": 2, "only_b": 0}
    assert metrics["flips"]["c"] == {"rows": 1, "only_a": 0, "only_b": 1}
    assert [flip["right"] for flip in flipped_rows(comparison)] == ["a", "b", "a"]
    assert "micro F1" in comparison_summary(metrics)


def test_a_better_model_is_called_so():
    truth = ["a", "b"] * 100
    metrics = compared(truth, ["a"] * 200, truth).metrics
    assert conclusions(metrics)[0].startswith("B is more accurate than A: by 50 points")
    assert conclusions(compared(truth, truth, ["a"] * 200).metrics)[0].startswith("A is more accurate")


def test_a_rare_label_that_one_model_never_finds_is_told_of_by_macro_f1():
    truth = ["a"] * 150 + ["b"] * 150 + ["c"] * 12
    a, b = truth[:132] + ["b"] * 18 + truth[150:], truth[:300] + ["a"] * 12
    found = conclusions(compared(truth, a, b).metrics)
    assert found[0].startswith("No difference of accuracy is shown")
    assert found[1].startswith("Macro F1, which weighs all labels alike, is higher for A: by 3")
    assert not any("Macro" in said for said in conclusions(compared(truth, truth, ["a"] * 312).metrics))


def test_chance_is_called_chance_and_few_rows_few():
    found = conclusions(compared(["a", "b"] * 5, ["a"] * 10, ["b"] * 9 + ["a"]).metrics)
    assert found[0].startswith("No difference of accuracy is shown (McNemar, p = 1.00)")
    assert found[1].startswith("Nor are they shown to be equivalent within 1 point")


def test_the_same_answers_are_equivalent_if_there_are_enough_rows():
    for count, equal in ((100, False), (1000, True)):
        metrics = compared(["a", "b"] * count, ["a"] * 2 * count, ["a"] * 2 * count).metrics
        assert metrics["equivalence"]["equivalent"] is equal
        low, high = metrics["difference"]["accuracy"]["interval"]
        assert low == -high < 0
        assert conclusions(metrics)[0] == "A and B are right on the same rows."


def test_copies_in_groups_are_no_evidence():
    truth = (["a"] * 3 + ["b"]) * 5
    copied, groups = truth * 20, [str(i % 20) for i in range(400)]
    wrong = ["b" if i % 20 in (1, 2, 4, 5) else label for i, label in enumerate(copied)]
    alone, grouped = (compared(copied, wrong, copied, groups=of).metrics for of in (None, groups))
    assert alone["mcnemar"]["p"] < 1e-9 < 0.05 < grouped["mcnemar"]["p"]
    assert "random groups" in grouped["mcnemar"]["test"]
    assert grouped["groups"] == 20


def test_a_label_that_one_model_does_not_know_is_told_of():
    comparison = compare_answers(
        answers(["a", "a", "b"], ("a", "b")), answers(["a", "c", "b"]), rows(["a", "c", "b"]), LABELS
    )
    assert comparison.metrics["a"]["unknown_labels"] == {"c": 1}
    assert "A does not know c: it cannot be right on these 1 row(s)." in conclusions(comparison.metrics)


@pytest.mark.parametrize(
    ("share", "text"), [(0.01, "1 point"), (0.005, "0.5 points"), (0.1234, "12.34 points"), (0, "0 points")]
)
def test_differences_are_points(share, text):
    assert points(share) == text


# From files.


def write(path: Path, lines: list[str], encoding: str = "utf-8") -> str:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return str(path)


@pytest.fixture
def data(tmp_path) -> str:
    return write(tmp_path / "data.csv", ["text,label,author", "好,a,x", ",a,y", "坏,b,y", "再,a,"])


@pytest.fixture
def good(tmp_path) -> str:
    return write(tmp_path / "good.tsv", ["text\tlabel", "好\ta", "\ta", "坏\tb", "再\ta"])


def test_predictions_may_have_the_rows_that_were_left_out_or_not(data, good, tmp_path):
    short = write(tmp_path / "short.jsonl", ['{"label": "a"}', '{"label": "b"}', '{"label": "b"}'])
    metrics = compare(good, short, [data]).metrics
    assert (metrics["examples"], metrics["left_out"], metrics["labels"]) == (3, 1, ["a", "b"])
    assert (metrics["a"]["accuracy"], metrics["only_a_right"]) == (1, 1)


def test_left_out_rows_of_several_files_keep_the_order(tmp_path):
    files = [
        write(tmp_path / f"{name}.csv", ["text,label", f"{name}1,a", ",b", f"{name}2,b"]) for name in "zy"
    ]
    lines = ["text,label", "z1,a", ",b", "z2,b", "y1,a", ",b", "y2,b"]
    given = write(tmp_path / "given.csv", lines)
    assert compare(given, given, files).metrics["a"]["accuracy"] == 1


def test_groups_are_read_from_a_column(data, good):
    assert compare(good, good, [data], group_column="author").metrics["groups"] == 3
    with pytest.raises(UserError, match=r"no column 'writer'. They have: text, label, author"):
        compare(good, good, [data], group_column="writer")


def test_files_in_gbk_and_numbers_in_parquet_are_read(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kerasbert.data.read_options import ReadOptions

    data = write(tmp_path / "data.csv", ["text,label", "好,1", "坏,0"], "gb18030")
    given = write(tmp_path / "given.csv", ["text,label", "好,1", "坏,0"], "gb18030")
    utf8 = write(tmp_path / "utf8.csv", ["text,label", "好,1", "坏,1"])
    pq.write_table(pa.table({"label": [1.0, 0.0]}), tmp_path / "given.parquet")
    reading = ReadOptions(encoding="gb18030")
    for path in (given, str(tmp_path / "given.parquet")):
        metrics = compare(path, utf8, [data], reading).metrics
        assert (metrics["a"]["accuracy"], metrics["b"]["accuracy"]) == (1, 0.5)
    with pytest.raises(DataError, match=r"data\.csv: is not UTF-8. It reads as gb18030"):
        compare(utf8, utf8, [data])


def test_several_labels_need_their_separator(tmp_path):
    data = write(tmp_path / "data.csv", ["text,label", "好,a|b", "坏,"])
    given = write(tmp_path / "given.jsonl", ['{"label": ["b", "a"]}', '{"label": ""}'])
    metrics = compare(given, given, [data], label_separator="|").metrics
    assert (metrics["a"]["accuracy"], metrics["labels"]) == (1, ["a", "b"])


BAD = {
    "count": (["label", "a"], r"bad\.csv: must have one prediction .* 1 predictions for 4 rows, 1 of them"),
    "order": (
        ["text,label", "坏,b", "好,a", "再,a"],
        r"bad\.csv:2: has another text than .*data\.csv:2\. Predictions must be in the order",
    ),
    "column": (["text,answer", "好,a"], r"bad\.csv:1: has no column 'label'.* It has: text, answer"),
    "two": (["label,prediction", "a,a"], r"columns 'label' and 'prediction': which one was decided\?"),
    "none": (["text,label", "好,a", "坏,", "再,a"], r"bad\.csv:3: has no label"),
    "others": (["label", "A", "B", "A"], r"has none of the labels of the data. Received: A, B; .* a, b"),
    "rows": (["label"], r"bad\.csv: holds no rows"),
    "empty": ([], r"bad\.csv: holds no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_predictions_that_do_not_fit_are_refused(data, good, tmp_path, case):
    lines, message = BAD[case]
    bad = write(tmp_path / "bad.csv", lines)
    for sides in ((bad, good), (good, bad)):
        with pytest.raises(DataError, match=message):
            compare(*sides, [data])


@pytest.mark.parametrize(
    ("ids", "given", "message"),
    [
        (None, [7, 8, 9], None),
        (None, ["b", "a", "c"], None),
        (None, [2, 1, 3], r"the column 'ID' repeats itself or is not in order"),
        (None, ["x", "x", "y"], r"the column 'ID' repeats itself or is not in order"),
        ([5, 3, 4], [5, 3, 4], None),
        (
            [5, 3, 4],
            [3, 4, 5],
            r"given\.csv:2: has the ID '3', and .*numbered\.csv:2 has '5'\. Predictions must",
        ),
    ],
)
def test_ids_must_be_those_of_the_rows_or_in_order(tmp_path, ids, given, message):
    header = "text,label" if ids is None else "text,label,ID"
    cells = [f"行{i},{'ab'[i % 2]}" + ("" if ids is None else f",{ids[i]}") for i in range(3)]
    data = write(tmp_path / "numbered.csv", [header, *cells])
    predictions = write(tmp_path / "given.csv", ["ID,label", *(f"{of},a" for of in given)])
    if message is None:
        assert compare(predictions, predictions, [data]).metrics["examples"] == 3
    else:
        with pytest.raises(DataError, match=message):
            compare(predictions, predictions, [data])


def test_what_can_be_read_once_or_is_the_truth_is_refused(data, good, tmp_path):
    for sides, files, message in (
        (("-", "-"), [data], "standard input can be read only once"),
        ((good, "-"), ["-"], "standard input can be read only once"),
        ((good, good), [data, data], "^data: names the file .* twice"),
        ((good, good), [data, os.path.relpath(data)], "^data: names the file .* twice"),
        ((good, data), [data], "is the labelled data itself"),
        ((good, str(tmp_path / "nothing")), [data], "nothing: must be a run directory, .* no such path"),
    ):
        with pytest.raises(UserError, match=message):
            compare(*sides, files)


# The report.


def test_the_report_shows_flips_both_ways(tmp_path):
    truth = ["a", "b", "c"] * 10
    comparison = compared(truth, ["a", "b", "a"] * 10, ["a", "c", "c"] * 10)
    page = write_comparison(comparison, tmp_path / "report", "A <b> on & x")
    content = page.read_text(encoding="utf-8")
    assert "A &lt;b&gt; on &amp; x" in content
    assert content.count("<svg") == 2
    assert "only A is right: 10" in content
    assert "only B is right: 10" in content
    assert re.search(r"No difference of accuracy is shown", content)
    assert json.loads((page.parent / "comparison.json").read_text()) == comparison.metrics
    flips = [json.loads(line) for line in (page.parent / "flips.jsonl").read_text().splitlines()]
    assert flips == flipped_rows(comparison)
    assert flips[0] == {"file": "made.csv", "line": 3, "truth": "b", "a": "b", "b": "c", "right": "a",
                        "text": "text 1"}  # fmt: skip


def test_hostile_texts_and_labels_stay_text(tmp_path):
    label = "<script>alert(1)</script>$x$"
    given = [Answers("<img src=x>", (label, "b"), [(of,)], True) for of in (label, "b")]
    text = Rows([Row("<script>alert(2)</script>", ("b",), None, "f", 1)])
    page = write_comparison(compare_answers(*given, text, (label, "b")), tmp_path, "t").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page


def test_models_that_never_differ_have_a_report(tmp_path):
    comparison = compared(["a", "b"], ["a", "b"], ["a", "b"])
    assert "<p>None.</p>" in write_comparison(comparison, tmp_path, "t").read_text(encoding="utf-8")
    assert (tmp_path / "flips.jsonl").read_bytes() == b""


def test_of_many_labels_those_with_flips_are_shown():
    labels = tuple(f"l{i:02}" for i in range(40))
    given = [answers(of, labels) for of in (labels, (*labels[:-1], "l00"))]
    text = comparison_summary(compare_answers(*given, rows(labels), labels).metrics)
    assert "\nl39 " in text
    assert "and 10 more label(s)" in text


@pytest.mark.process
def test_comparing_files_needs_no_tensorflow():
    code = (
        "import sys; import kerasbert.evaluation.compare_report; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0

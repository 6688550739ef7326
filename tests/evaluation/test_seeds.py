"""Comparisons of several models on each side."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from kerasbert.data import Row, Rows
from kerasbert.errors import DataError, UserError
from kerasbert.evaluation import answers as answering
from kerasbert.evaluation.answers import Answers, sources_of
from kerasbert.evaluation.compare import compare
from kerasbert.evaluation.compare_report import comparison_summary, flipped_rows, write_comparison
from kerasbert.evaluation.conclusions import conclusions
from kerasbert.evaluation.seeds import compare_seeds

LABELS = ("a", "b", "c")


def rows(truth) -> Rows:
    return Rows([Row(f"text {i}", of, None, "made.csv", i + 2) for i, of in enumerate(truth)])


def several(name, count, truth, chance, seed):
    """Models that are right by `chance` in each row, and by chance wrong in others."""
    random = np.random.default_rng(seed)
    return [
        Answers(
            f"{name}{model}",
            LABELS,
            [of if random.random() < chance else (str(random.choice(LABELS)),) for of in truth],
            is_model=True,
        )
        for model in range(count)
    ]


@pytest.fixture
def truth():
    return [(str(of),) for of in np.random.default_rng(0).choice(LABELS, 400)]


def test_metrics_are_means_over_the_models(truth):
    sides = several("a", 3, truth, 0.7, 1), several("b", 4, truth, 0.9, 2)
    metrics = compare_seeds(sides, ["A", "B"], rows(truth), LABELS).metrics
    flat = [of for (of,) in truth]
    means = {}
    for side, of_side in zip("ab", sides, strict=True):
        decided = [[label for (label,) in of.decided] for of in of_side]
        means[side] = np.mean([accuracy_score(flat, of) for of in decided])
        assert metrics[side]["accuracy"] == pytest.approx(means[side])
        macro = np.mean([f1_score(flat, of, average="macro") for of in decided])
        assert metrics[side]["macro_f1"] == pytest.approx(macro)
        assert [of["accuracy"] for of in metrics[side]["models"]] == pytest.approx(
            [accuracy_score(flat, of) for of in decided]
        )
    difference = metrics["difference"]["accuracy"]
    assert difference["value"] == pytest.approx(means["b"] - means["a"])
    counts = [metrics[name] for name in ("both_right", "only_a_right", "only_b_right", "both_wrong")]
    assert sum(counts) == pytest.approx(len(truth), abs=0.03)
    assert counts[2] - counts[1] == pytest.approx(len(truth) * difference["value"], abs=0.03)
    assert sum(of["only_b"] for of in metrics["flips"].values()) == pytest.approx(counts[2], abs=0.03)
    assert json.loads(json.dumps(metrics)) == metrics
    found = conclusions(metrics)
    assert found[0].startswith("B is more accurate than A: by ")
    assert "t test over rows and seeds, p = 0.0" in found[0]
    assert "3 seeds say little" in found[2]
    assert "(3 models: 0." in comparison_summary(metrics)


def test_seeds_that_vary_more_than_the_recipes_show_no_difference(truth):
    """McNemar's test of one model of each would be sure."""
    sides = [[*several(name, 1, truth, 0.6, 1), *several(name, 1, truth, 0.95, 2)] for name in "ab"]
    sides[1][0] = several("b", 1, truth, 0.7, 3)[0]
    metrics = compare_seeds(sides, ["A", "B"], rows(truth), LABELS).metrics
    found = conclusions(metrics)
    assert found[0].startswith("No difference of accuracy is shown (t test over rows and seeds, p = 0.")
    assert "more seeds would narrow the interval most" in found[2]
    assert metrics["difference"]["accuracy"]["p"] > 0.5
    assert 10 < 100 * metrics["a"]["sd"]["seeds"] < 40


def test_one_model_against_several_is_said_to_be_one(truth):
    one, more = several("a", 1, truth, 0.8, 1), several("b", 3, truth, 0.8, 2)
    metrics = compare_seeds([one, [*more, more[0]]], ["A", "B"], rows(truth), LABELS).metrics
    assert metrics["a"]["sd"]["seeds"] is None
    found = conclusions(metrics)
    assert any(said.startswith("A is one model: what is said holds for this model") for said in found)
    assert "b0 and b0 decided all rows alike: are they the same model?" in found
    assert "A ± 1." in comparison_summary(metrics)


def test_several_labels_a_row_and_groups(truth):
    some = [(*of, "b") if of != ("b",) else () for of in truth]
    sides = several("a", 2, some, 0.7, 1), several("b", 2, some, 0.75, 2)
    groups = [str(i % 8) for i in range(len(some))]
    metrics = compare_seeds(sides, ["A", "B"], rows(some), LABELS, groups=groups).metrics
    assert metrics["groups"] == 8
    assert metrics["difference"]["micro_f1"]["value"] != metrics["difference"]["accuracy"]["value"]
    assert "The intervals rest on 8 group(s)" in conclusions(metrics)[-1]


def test_the_report_shows_the_rows_where_the_shares_differ_most_first(truth, tmp_path):
    sides = several("a<", 3, truth, 0.7, 1), several("b", 3, truth, 0.8, 2)
    comparison = compare_seeds(sides, ["A", "B"], rows(truth), LABELS)
    page = write_comparison(comparison, tmp_path, "t").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "Rows and seeds" in page
    assert "McNemar" not in page
    assert "B is right more often" in page
    flips = [json.loads(line) for line in (tmp_path / "flips.jsonl").read_text("utf-8").splitlines()]
    assert flips == flipped_rows(comparison)
    assert flips[0].keys() == {"file", "line", "truth", "a", "b", "right", "right_a", "right_b", "text"}
    assert all(len(of["a"]) == len(of["b"]) == 3 for of in flips)


def test_one_row_and_models_that_never_differ_have_a_report(tmp_path):
    for truth in ([("a",)], [("a",), ("b",)] * 5):
        same = [Answers("x", LABELS, truth, True)] * 2
        comparison = compare_seeds([same, same], ["A", "B"], rows(truth), LABELS)
        assert comparison.metrics["difference"]["accuracy"]["p"] == 1
        assert conclusions(comparison.metrics)[0] == "A and B are right on the same rows."
        assert write_comparison(comparison, tmp_path, "t").exists()
        assert "nan" not in comparison_summary(comparison.metrics)


# From files.


def write(path: Path, lines: list[str]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def data(tmp_path) -> str:
    for name, labels in (("a-1", "ab"), ("a-2", "aa"), ("a-10", "bb"), ("b-1", "ab"), ("b-2", "ab")):
        write(tmp_path / f"{name}.csv", ["text,label", f"好,{labels[0]}", f"坏,{labels[1]}"])
    return write(tmp_path / "data.csv", ["text,label", "好,a", "坏,b"])


def test_a_pattern_names_several_files_in_the_order_of_their_numbers(data, tmp_path):
    metrics = compare(f"{tmp_path}/a-*.csv", f"{tmp_path}/b-[12].csv", [data]).metrics
    assert [Path(of["name"]).stem for of in metrics["a"]["models"]] == ["a-1", "a-2", "a-10"]
    assert metrics["a"]["name"] == f"{tmp_path}/a-*.csv"
    assert (metrics["a"]["accuracy"], metrics["b"]["accuracy"]) == (pytest.approx(2 / 3), 1)
    listed = [str(tmp_path / f"a-{seed}.csv") for seed in (1, 2)]
    assert compare(listed, str(tmp_path / "b-1.csv"), [data]).metrics["a"]["accuracy"] == 0.75


def test_a_file_whose_name_is_a_pattern_is_one_file(data, tmp_path):
    name = write(tmp_path / "a-*.csv", ["label", "a", "b"])
    assert sources_of(name) == [name]


def test_what_is_not_several_different_models_is_refused(data, tmp_path):
    one = str(tmp_path / "a-1.csv")
    link = tmp_path / "link.csv"
    link.symlink_to(one)
    for a, b, message in (
        ([one, one], f"{tmp_path}/b-*.csv", r"a-1\.csv: is named twice"),
        ([one, str(link)], f"{tmp_path}/b-*.csv", r"a-1\.csv: is named twice"),
        (f"{tmp_path}/a-*.csv", one, r"a-1\.csv: is named twice"),
        (f"{tmp_path}/*.csv", one, "is named twice"),
        (f"{tmp_path}/*-*.csv", data, "is the labelled data itself"),
        (f"{tmp_path}/c-*.csv", one, r"c-\*\.csv: must be a run directory, .* no such path"),
        ([one, f"{tmp_path}/c.csv"], one, r"c\.csv: must be a run directory"),
        (
            [one, "http://localhost:1/v1/models/x"],
            f"{tmp_path}/b-1.csv",
            "are models and files. Name one kind",
        ),
        (["-", "-"], one, "is named twice|read only once"),
    ):
        with pytest.raises(UserError, match=message):
            compare(a, b, [data])


def test_a_seed_with_other_rows_is_refused_by_name(data, tmp_path):
    write(tmp_path / "b-2.csv", ["text,label", "坏,b", "好,a"])
    with pytest.raises(DataError, match=r"b-2\.csv:2: has another text than .*data\.csv:2"):
        compare(f"{tmp_path}/a-*.csv", f"{tmp_path}/b-*.csv", [data])


def test_the_runs_of_several_seeds_or_folds_are_found_and_must_be_finished(tmp_path):
    for name in ("seed-0", "seed-2", "seed-10", "other"):
        write(tmp_path / name / "config.yaml", ["{}"])
        write(tmp_path / name / "metrics.json", ["{}"])
    (tmp_path / "seed-3").mkdir()
    write(tmp_path / "summary.json", ["{}"])
    found = [Path(str(of)).name for of in sources_of(str(tmp_path))]
    assert found == ["seed-0", "seed-2", "seed-10"]
    assert sources_of(str(tmp_path / "seed-0")) == [str(tmp_path / "seed-0")]
    (tmp_path / "seed-2" / "metrics.json").unlink()
    for pattern in (str(tmp_path), f"{tmp_path}/seed-[0-9]"):
        with pytest.raises(
            UserError, match=r"seed-2: this training did not finish\. Continue with: kerasbert train"
        ):
            sources_of(pattern)


def test_models_of_other_labels_or_of_pairs_are_no_seeds(chosen_model, monkeypatch):
    known = {}
    for name, labels, pairs in (
        ("一", "ab", False),
        ("二", "ab", False),
        ("三", "abc", False),
        ("四", "ab", True),
    ):
        known[name] = chosen_model(labels, {"text 0": [1.0] + [0.0] * (len(labels) - 1)})
        known[name].source, known[name].takes_pairs = name, pairs
    monkeypatch.setattr(answering, "open_model", known.get)
    answers = answering.answers_of_side(["一", "二"], {}, rows([("a",)]), ["made.csv"])
    assert [(of.name, of.decided) for of in answers] == [("一", [("a",)]), ("二", [("a",)])]
    for name, message in (("三", "三: has other labels than 一"), ("四", "四: of the models of a side")):
        with pytest.raises(UserError, match=message):
            answering.answers_of_side(["一", name], {}, rows([("a",)]), ["made.csv"])

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from kerasbert.data import Row, Rows
from kerasbert.errors import DataError, UserError
from kerasbert.evaluation import evaluate, evaluate_rows
from kerasbert.evaluation.evaluate import Parts
from kerasbert.evaluation.slices import Slicing

LABELS = ("甲", "b", "c d")
decided_pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)
given_sets = st.lists(
    st.tuples(*[st.lists(st.booleans(), min_size=3, max_size=3)] * 2), min_size=1, max_size=30
)


def assert_equals_report(metrics: dict, truth, decided, occur) -> None:
    report = classification_report(
        truth, decided, labels=range(3), target_names=LABELS, output_dict=True, zero_division=0
    )
    of_labels = [report[LABELS[i]]["f1-score"] for i in occur]
    assert metrics["macro_f1"] == pytest.approx(np.mean(of_labels) if of_labels else 0.0)
    for label in LABELS:
        ours, theirs = metrics["per_class"][label], report[label]
        assert ours["support"] == theirs["support"]
        assert [ours[k] for k in ("precision", "recall", "f1")] == pytest.approx(
            [theirs[k] for k in ("precision", "recall", "f1-score")]
        )


@pytest.mark.process
@settings(max_examples=40, deadline=None)
@given(decided_pairs)
def test_metrics_are_those_of_scikit_learn(evaluate_chosen, pairs):
    truth, decided = zip(*pairs, strict=True)
    metrics = evaluate_chosen(LABELS, [((LABELS[t],), np.eye(3)[d]) for t, d in pairs]).metrics
    assert_equals_report(metrics, truth, decided, {*truth, *decided})
    assert metrics["accuracy"] == pytest.approx(accuracy_score(truth, decided))
    assert metrics["micro_f1"] == pytest.approx(metrics["accuracy"])
    assert metrics["examples"] == len(pairs)
    assert metrics["confusion"] == confusion_matrix(truth, decided, labels=range(3)).tolist()


@pytest.mark.process
@settings(max_examples=40, deadline=None)
@given(given_sets)
def test_metrics_of_several_labels_a_row_are_those_of_scikit_learn(evaluate_chosen, rows):
    truth, decided = (np.array(column, int) for column in zip(*rows, strict=True))
    cells = [(tuple(np.array(LABELS)[t]), np.array(d, float)) for t, d in rows]
    metrics = evaluate_chosen(LABELS, cells, threshold=0.5).metrics
    assert_equals_report(metrics, truth, decided, np.flatnonzero((truth | decided).any(0)))
    assert metrics["accuracy"] == pytest.approx(np.mean((truth == decided).all(1)))


def test_there_is_no_confusion_where_a_row_has_several_labels(evaluate_chosen):
    rows = [(("甲", "b"), [0.9, 0.9, 0.1]), (("b",), [0.1, 0.9, 0.1])]
    metrics = evaluate_chosen(LABELS, rows, threshold=0.5).metrics
    assert metrics["confusion"] is None
    assert metrics["top_confusions"] == []


@settings(max_examples=40, deadline=None)
@given(decided_pairs)
def test_top_confusions_count_the_mistakes_most_frequent_first(evaluate_chosen, pairs):
    metrics = evaluate_chosen(LABELS, [((LABELS[t],), np.eye(3)[d]) for t, d in pairs]).metrics
    found = {(c["truth"], c["decided"]): c["rows"] for c in metrics["top_confusions"]}
    assert found == Counter((LABELS[t], LABELS[d]) for t, d in pairs if t != d)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_at_most_ten_confusions_are_named(evaluate_chosen):
    labels = [f"label {i}" for i in range(12)]
    rows = [((labels[i],), np.eye(12)[(i + 1) % 12]) for i in range(12)]
    assert len(evaluate_chosen(labels, rows).metrics["top_confusions"]) == 10


def test_rows_probabilities_and_targets_stay_in_the_order_of_the_rows(evaluate_chosen):
    rows = [(("b",), [0.2, 0.7, 0.1], "长" * 9), (("甲",), [0.1, 0.3, 0.6], "短")]
    evaluation = evaluate_chosen(LABELS, rows)
    assert [row.text for row in evaluation.rows.rows] == ["长" * 9, "短"]
    np.testing.assert_allclose(evaluation.probabilities, [[0.2, 0.7, 0.1], [0.1, 0.3, 0.6]], rtol=1e-6)
    assert evaluation.targets.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert evaluation.decided.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_metrics_are_json(evaluate_chosen):
    metrics = evaluate_chosen(LABELS, [(("b",), [0.2, 0.7, 0.1])]).metrics
    assert json.loads(json.dumps(metrics)) == metrics


def test_every_metric_has_an_interval_around_it(evaluate_chosen):
    random = np.random.default_rng(0)
    rows = [((LABELS[i % 3],), np.eye(3)[i % 3 if random.random() < 0.7 else 0]) for i in range(120)]
    metrics = evaluate_chosen(LABELS, rows).metrics
    found = metrics["intervals"]
    for name in ("accuracy", "macro_f1", "micro_f1"):
        assert found[name][0] < metrics[name] < found[name][1]
    assert set(found["per_class"]) == set(LABELS)


def test_rows_of_columns_and_of_like_texts_are_looked_at_apart(chosen_model):
    texts = [f"很好 {i}" if i % 2 else "x" * 40 + str(i) for i in range(60)]
    rows = Rows([Row(text, ("a",), None, "f", 1) for text in texts])
    model = chosen_model(
        ["a", "b"], {text: [0.9, 0.1] if i % 2 else [0.1, 0.9] for i, text in enumerate(texts)}
    )
    parts = Parts([str(i // 2) for i in range(60)], [Slicing("source", ["web", "app"] * 30, column=True)])
    for of, groups in ((None, None), (parts, 30)):
        metrics = evaluate_rows(model, rows, parts=of).metrics
        found = {(part["by"], part["value"]): part for part in metrics["slices"]["slices"]}
        assert metrics["intervals"]["groups"] == groups
        assert found["script", "mostly Latin letters"]["accuracy"] == 0
        assert found["script", "mostly Chinese characters"]["gap"] == 1
        assert (("source", "web") in found) is (of is not None)


def test_columns_are_read_from_files_and_missing_ones_named(trained, tmp_path):
    data = tmp_path / "data.csv"
    lines = [f"手机很好{i},positive,{'web' if i % 2 else 'app'},{i // 4}" for i in range(40)]
    data.write_text("\n".join(["text,label,source,author", *lines]))
    metrics = evaluate(trained.model, [data], slices=["source"], group_column="author").metrics
    assert {part["value"] for part in metrics["slices"]["slices"] if part["column"]} == {"web", "app"}
    assert metrics["intervals"]["groups"] == 10
    for options in ({"slices": ["city"]}, {"group_column": "city"}):
        with pytest.raises(UserError, match=r"no column 'city'\. They have: text, label, source, author"):
            evaluate(trained.model, [data], **options)


def test_their_old_name_still_answers(evaluate_chosen):
    evaluation = evaluate_chosen(LABELS, [(("b",), [0.2, 0.7, 0.1])])
    assert evaluation.figures is evaluation.metrics


@pytest.mark.process
def test_a_run_is_measured_on_its_own_answers(trained, reviews, reviews_file):
    metrics = evaluate(trained.run.path, [reviews_file]).metrics
    answers = trained.classifier.predict(reviews.texts)["label"]
    right = [a.decode() == row.labels[0] for a, row in zip(answers, reviews.rows, strict=True)]
    assert metrics["accuracy"] == pytest.approx(np.mean(right))
    assert metrics["examples"] == 80
    assert 0.5 < metrics["baseline"]["accuracy"] <= 1


def test_an_exported_model_measures_as_its_run(trained, exported, reviews_file):
    run, served = (evaluate(path, [reviews_file]) for path in (trained.run.path, exported))
    calibration = [side.metrics.pop("calibration") for side in (run, served)]
    del run.metrics["lengths"]  # an export does not tell its tokens
    assert served.metrics == run.metrics
    for name in ("nll", "brier", "ece", "temperature"):
        assert calibration[1][name] == pytest.approx(calibration[0][name], abs=1e-5)
    assert served.labels == run.labels
    np.testing.assert_allclose(served.probabilities, run.probabilities, atol=1e-5, rtol=0)


def test_the_model_directory_above_the_version_is_a_model_too(exported, reviews_file):
    assert evaluate(exported.parent, [reviews_file]).metrics["examples"] == 80


def test_an_unknown_label_is_named_with_its_line(trained, tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "好", "label": "positive"}\n{"text": "坏", "label": "neutral"}\n')
    with pytest.raises(DataError, match=r"data\.jsonl:2: unknown label 'neutral'.*negative, positive"):
        evaluate(trained.run.path, [data])


def run_trained_on(trained, train_file: Path, copy: Path) -> Path:
    shutil.copytree(trained.run.path, copy)
    config = copy / "config.yaml"
    text = config.read_text(encoding="utf-8")
    assert str(trained.prepared.config.data.train[0]) in text
    config.write_text(text.replace(trained.prepared.config.data.train[0], str(train_file)), encoding="utf-8")
    return copy


def test_a_model_is_measured_where_its_training_file_is_gone(trained, reviews_file, tmp_path):
    run = run_trained_on(trained, tmp_path / "gone.jsonl", tmp_path / "run")
    metrics = evaluate(run, [reviews_file]).metrics
    assert metrics["examples"] == 80
    assert "baseline" not in metrics


@pytest.mark.process
@pytest.mark.parametrize(
    "content",
    ['{"text": "", "label": "positive"}\n', '{"text": "好", "label": "another"}\n', "not JSON\n", ""],
    ids=["no usable row", "another label", "damaged", "empty"],
)
def test_a_model_is_measured_where_its_training_file_has_changed(trained, reviews_file, tmp_path, content):
    changed = tmp_path / "changed.jsonl"
    changed.write_text(content, encoding="utf-8")
    run = run_trained_on(trained, changed, tmp_path / "run")
    assert "baseline" not in evaluate(run, [reviews_file]).metrics


def test_without_training_rows_there_is_no_baseline(chosen_model):
    rows = Rows([Row("x", ("a",), None, "f", 1)])
    assert "baseline" not in evaluate_rows(chosen_model(["a", "b"], {"x": [0.9, 0.1]}), rows).metrics

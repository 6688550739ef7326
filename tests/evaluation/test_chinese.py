"""In Chinese, no word of a report, a summary or a model card is left in English."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

from kerasbert.data import Row, Rows
from kerasbert.evaluation import summary, training_summary, write_report
from kerasbert.evaluation.answers import Answers
from kerasbert.evaluation.compare_report import comparison_summary, write_comparison
from kerasbert.evaluation.comparison import compare_answers
from kerasbert.evaluation.evaluate import Evaluation, Parts, evaluate_outputs
from kerasbert.evaluation.robustness import edits
from kerasbert.evaluation.seeds import compare_seeds
from kerasbert.evaluation.slices import column_slicing
from kerasbert.language import speaking

LABELS = ("正面", "负面", "中立", "无关")
# Names that Chinese readers write as English ones do, and names of files.
ALIKE = {
    "A", "B", "F1", "ECE", "NLL", "AURC", "BCa", "Brier", "Fisher", "Wald", "Holm", "McNemar", "TOST", "p",
    "t", "SHA", "kerasbert", "TensorFlow", "Keras", "Python", "config.yaml", "flips.jsonl",
    "metrics.json", "mistakes.jsonl",
}  # fmt: skip
WORDS = {"VPN", "http", "www.a", "cn"}  # of the texts
HISTORY = [{"epoch": n, "loss": 0.7, "val_loss": 0.6, "val_accuracy": 0.5} for n in (1, 2)]


def english(text: str) -> set[str]:
    return set(re.findall(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]*(?:\.[a-z]+)?", text)) - ALIKE


def shown(page: Path) -> str:
    """Returns the words of a page, those in its plots too."""
    hidden = r"(?s)<style.*?</style>|<metadata.*?</metadata>|<!--.*?-->|<[^>]*>"
    return html.unescape(re.sub(hidden, " ", page.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def rows() -> Rows:
    texts = ("房间很干净", "VPN 用不了 http", "2 天才到 www.a.cn", "不太喜欢这一家店，下次还是换一家吧")
    found = [Row(texts[i % 4], (LABELS[i % 3],), None, "行", i + 1) for i in range(240)]
    return Rows(found)


def evaluated(rows: Rows, groups: bool, temperature: float, threshold: float | None) -> Evaluation:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), len(rows))
    probabilities = np.column_stack([probabilities * 0.999, np.full(len(rows), 0.001)])
    right = np.arange(len(rows)) % 4 != 2  # one slice is always wrong
    for place in range(len(rows)):
        if right[place]:
            probabilities[place] = np.roll([0.9, 0.05, 0.04, 0.01], LABELS.index(rows.labels[place][0]))
    outputs = {
        "probabilities": probabilities.astype(np.float32),
        "label_id": probabilities.argmax(1),
        "score": probabilities.max(1).astype(np.float32),
    }
    if threshold is not None:
        outputs["accepted"] = outputs["score"] >= threshold
    cells = ["甲" if i % 4 == 2 else "乙" if i % 4 else "" for i in range(len(rows))]
    names = [str(i % 12) for i in range(len(rows))] if groups else None
    parts = Parts(names, [column_slicing("渠道", cells)])
    return evaluate_outputs(LABELS, rows, outputs, rows, parts, temperature)


@pytest.mark.parametrize(
    ("groups", "temperature", "threshold"), [(False, 1.3, 0.5), (True, 1.0, None), (False, 1.0, 1.1)]
)
def test_no_word_of_an_evaluation_is_english(rows, tmp_path, groups, temperature, threshold):
    evaluation = evaluated(rows, groups, temperature, threshold)
    metrics = evaluation.metrics
    metrics["left_out"] = 3
    metrics["robustness"] = [
        {
            "edit": edit,
            "rows": 10,
            "share": 0.1,
            "interval": [0.0, 0.2],
            "accuracy": 0.9,
            "accuracy_edited": 0.8,
        }
        for edit in [*edits(rows.texts), "traditional characters", "one homophone"]
    ]
    before = json.dumps(metrics)
    with speaking("zh"):
        page = shown(write_report(evaluation, tmp_path, "报告", HISTORY))
        told = summary(metrics)
    run = {"best_epoch": 2, "train_rows": 1000, "examples": 240, "left_out_rows": 0}
    with speaking("zh"):
        told += training_summary(metrics, run) + training_summary(metrics, {**run, "best_epoch": 0})
    assert english(page) <= WORDS
    assert not english(told)
    assert "准确率" in page
    assert "混淆矩阵" in page
    assert json.dumps(metrics) == before
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")) == json.loads(before)


@pytest.mark.parametrize(
    ("wrong", "groups", "margin"), [(60, False, 0.01), (3, False, 0.01), (3, True, 0.2), (0, False, 0.2)]
)
def test_no_word_of_a_comparison_is_english(rows, tmp_path, wrong, groups, margin):
    labels = (*LABELS, "其他")
    truth = [tuple(of) for of in rows.labels]
    changed = [("无关",) if i < wrong else of for i, of in enumerate(truth)]
    swapped = [("负面",) if i % 40 == 1 else of for i, of in enumerate(truth)]
    a = Answers("模型甲", LABELS[:2], swapped, is_model=True)
    b = Answers("模型乙", LABELS, changed, is_model=False)
    names = [str(i % 12) for i in range(len(rows))] if groups else None
    comparison = compare_answers(a, b, rows, labels, margin, names)
    with speaking("zh"):
        page = shown(write_comparison(comparison, tmp_path, "比较"))
        told = comparison_summary(comparison.metrics)
    assert english(page) <= WORDS
    assert not english(told)
    assert "McNemar" in told


@pytest.mark.parametrize(("models", "wrong"), [(3, 60), (1, 3), (2, 0)])
def test_no_word_of_a_comparison_of_seeds_is_english(rows, tmp_path, models, wrong):
    truth = [tuple(of) for of in rows.labels]
    a = [
        Answers("模型", LABELS, [("无关",) if i % 40 == seed else of for i, of in enumerate(truth)], True)
        for seed in range(models)
    ]
    b = Answers("模型", LABELS, [("无关",) if i < wrong else of for i, of in enumerate(truth)], True)
    comparison = compare_seeds(
        [a, [b, b]], ["甲", "乙"], rows, LABELS, 0.05, [str(i % 12) for i in range(240)]
    )
    with speaking("zh"):
        page = shown(write_comparison(comparison, tmp_path, "比较"))
        told = comparison_summary(comparison.metrics)
    assert english(page) <= WORDS
    assert not english(told)
    assert "随机种子" in told

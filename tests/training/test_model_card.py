"""Labels and paths come from data: none of them may break the card or become markup in it."""

import dataclasses
import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt

from kerasbert.engine.model_card import markdown_text
from kerasbert.language import speaking
from kerasbert.training import TrainResult
from kerasbert.training.model_card import write_model_card

ODD = (
    "a|b", "a\\|b", "<img src=x onerror=alert(1)>", "first\nsecond | third", "*d* _e_ `f`", "[a](http://b)",
    "![a](b)", "&lt;", "http://example.com", "~~x~~", "负面|中性", "|",
)  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_text_in_a_cell_is_that_text(text: str):
    page = MarkdownIt("gfm-like", {"linkify": False}).parse(
        f"| a | b |\n| --- | --- |\n| {markdown_text(text)} | 1 |\n"
    )
    cells = [token for token in page if token.type == "inline"]
    assert len(cells) == 4
    assert {child.type for child in cells[2].children} <= {"text", "text_special"}
    assert "".join(child.content for child in cells[2].children) == " ".join(text.split())


def test_the_card_holds_any_label_and_path(trained: TrainResult, tmp_path: Path):
    odd = "a|b<img src=x>\n| c"
    config = trained.prepared.config.model_copy(deep=True)
    config.backbone.source = odd
    prepared = dataclasses.replace(
        trained.prepared,
        config=config,
        task=type(trained.prepared.task)([odd, "positive"], {}),
        train=SimpleNamespace(label_counts={odd: 3, "positive": 4}),
    )
    found = json.loads(trained.run.metrics.read_text(encoding="utf-8"))
    of_class = found["per_class"]
    found["per_class"] = {odd: of_class["negative"], "positive": of_class["positive"]}
    write_model_card(tmp_path / "card.md", prepared, found)
    page = MarkdownIt("commonmark").enable("table").parse((tmp_path / "card.md").read_text(encoding="utf-8"))
    rows = [[]]
    for token, following in itertools.pairwise(page):
        if token.type == "tr_open":
            rows.append([])
        if token.type in ("td_open", "th_open"):
            rows[-1].append("".join(child.content for child in following.children or ()))
    whole = "a|b<img src=x> | c"
    labels = [row[0] for row in rows if len(row) == 5]
    assert labels == ["label", whole, "positive"]
    (encoder,) = (row[1] for row in rows if row and row[0] == "encoder")
    assert encoder.endswith(f"from {whole}")


def test_the_card_is_in_chinese_where_asked_for(trained: TrainResult, tmp_path: Path):
    metrics = json.loads(trained.run.metrics.read_text(encoding="utf-8"))
    calibration = {**metrics["calibration"], "uncalibrated": {"ece": 0.2}}
    rejection = {"coverage": 0.5, "accepted_accuracy": 0.75}
    config = trained.prepared.config.model_copy(deep=True)
    config.decision.reject_below, config.decision.reject_outliers, config.backbone.source = 0.7, 0.1, "来源"
    config.text.windows = 3
    task = SimpleNamespace(labels=("正面", "负面"))
    prepared = dataclasses.replace(trained.prepared, config=config, task=task)
    prepared.config.task = "情感"
    prepared = dataclasses.replace(prepared, train=SimpleNamespace(label_counts={"正面": 3}))
    of_label = next(iter(metrics["per_class"].values()))
    found = {**metrics, "calibration": calibration, "rejection": rejection, "per_class": {"正面": of_label}}
    with speaking("zh"):
        write_model_card(tmp_path / "card.md", prepared, {**found, "interrupted": True})
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| 拒识 | 置信度低于 0.7000 的预测、与训练文本差异过大的文本；验证样本的接受比例为 50.0%" in card
    assert "| 最大输入长度 | 3 个重叠的窗口，每个 16 个词元；" in card
    words = set(re.findall(r"[A-Za-z]{2,}(?:\.yaml)?", card.replace(prepared.vocabulary.digest[:12], "")))
    assert words == {"kerasbert", "TensorFlow", "Keras", "Python", "SHA", "config.yaml"}


def test_the_card_says_what_is_rejected(trained: TrainResult, tmp_path: Path):
    metrics = json.loads(trained.run.metrics.read_text(encoding="utf-8"))
    card = trained.run.model_card.read_text(encoding="utf-8")
    assert "| rejection | none: all answers are accepted |" in card
    temperature = metrics["calibration"]["temperature"]
    assert f"| probabilities | temperature {temperature:.2f}; expected calibration error 0." in card
    config = trained.prepared.config.model_copy(deep=True)
    config.decision.reject_below = 1.0
    metrics["rejection"] = {"coverage": 0.0, "accepted_accuracy": None}
    prepared = dataclasses.replace(trained.prepared, config=config)
    write_model_card(tmp_path / "card.md", prepared, metrics)
    assert (
        "0.0% of the validation rows are accepted, accuracy of these -" in (tmp_path / "card.md").read_text()
    )

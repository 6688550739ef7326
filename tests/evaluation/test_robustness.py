"""Edits that keep the meaning, and decisions that follow them."""

import numpy as np
import pytest

from kerasbert.data import Row, Rows
from kerasbert.evaluation import evaluate_rows, summary
from kerasbert.evaluation.robustness import edits, robustness_metrics


@pytest.mark.parametrize(
    ("name", "text", "edited"),
    [
        ("full-width letters and digits", "买iPhone15吧", "买ｉＰｈｏｎｅ１５吧"),
        ("ASCII punctuation", "好，很好！（真的）", "好,很好!(真的)"),
        ("no final punctuation", "很好。。！", "很好"),
        ("no final punctuation", "！！", "！！"),
        ("spaces between Chinese and Latin", "用iPhone15拍", "用 iPhone15 拍"),
        ("an emoji at the end", "好", "好📌"),
        ("upper case", "用iPhone", "用IPHONE"),
    ],
)
def test_an_edit_keeps_the_words(name, text, edited):
    assert edits([text])[name](text) == edited


def test_one_homophone_is_one_character():
    pytest.importorskip("pypinyin")
    edit = edits(["他们是好人，她们也是好人"])["one homophone"]
    changed = edit("他是好人")
    assert sum(a != b for a, b in zip("他是好人", changed, strict=True)) == 1


class UpperIsBad:
    """Decides b where a text has an upper-case letter or a pin."""

    labels, label_separator, batch_size, temperature, text_graph = ("a", "b"), None, 8, 1.0, None

    def __init__(self):
        self.asked = []

    def predict_batch(self, texts, pairs=None):
        self.asked += texts
        bad = np.array([text != text.lower() or "📌" in text for text in texts])
        probabilities = np.stack([1.0 - bad, 0.0 + bad], axis=1).astype(np.float32)
        score = probabilities.max(axis=1)
        return {"label_id": bad.astype(int), "score": score, "probabilities": probabilities}


def test_flips_are_counted_among_the_texts_that_change():
    rows = Rows([Row(text, ("a",), None, "f", 1) for text in ("好", "用app", "看web。", "12")])
    model = UpperIsBad()
    evaluation = evaluate_rows(model, rows)
    model.asked.clear()
    found = {of["edit"]: of for of in robustness_metrics(model, rows, evaluation.decided, evaluation.targets)}
    assert {name: (of["rows"], of["flips"]) for name, of in found.items() if name != "one homophone"} == {
        "full-width letters and digits": (3, 0),
        "ASCII punctuation": (1, 0),
        "no final punctuation": (1, 0),
        "spaces between Chinese and Latin": (2, 0),
        "an emoji at the end": (4, 4),
        "upper case": (2, 2),
    }
    assert found["upper case"]["accuracy"] == 1
    assert found["upper case"]["accuracy_edited"] == 0
    assert "好" in "".join(model.asked)
    assert model.asked.count("好") == 0
    evaluation.metrics["robustness"] = list(found.values())
    assert "upper case" in summary(evaluation.metrics)


def test_final_punctuation_of_any_length_is_removed():
    """Within a long text it took the square of its length: this test would not end."""
    edit = edits(["好"])["no final punctuation"]
    assert [edit(text) for text in ("好。 ～…\u3000", "。。", "好", "a.b")] == ["好", "。。", "好", "a.b"]
    inner = "." * 300_000 + "a"
    assert edit(inner) == inner

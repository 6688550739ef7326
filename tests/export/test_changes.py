import json
from pathlib import Path

import numpy as np
import pytest

from kerasbert.errors import DataError
from kerasbert.evaluation.paired_tests import Discordant, equivalence
from kerasbert.export.changes import LabelChanges, count_label_changes

pytestmark = pytest.mark.process


def test_the_training_rows_serve_where_none_were_named_to_validate(exported_bfloat16, reviews_file, reviews):
    found = count_label_changes(exported_bfloat16.path, exported_bfloat16.classifier)
    assert found == LabelChanges(found.changed, len(reviews.rows), reviews_file, found.cosine)
    assert 0 <= found.changed <= 4
    assert 0.999 < found.cosine < 1.0 - 1e-7


def test_another_model_changes_the_labels_that_it_changes(exported, exported_bfloat16, tmp_path, monkeypatch):
    texts = ["手机很好", "快递太差", "酒店干净", "衣服难看"]
    file = tmp_path / "rows.jsonl"
    classifier = exported.classifier
    decided = classifier.predict(texts)["label"]
    flipped = {b"negative": b"positive", b"positive": b"negative"}
    # The truth of the third is another than what is decided.
    truth = [label.decode() for label in (*decided[:2], flipped[decided[2]], decided[3])]
    rows = [{"text": text, "label": label} for text, label in zip(texts, truth, strict=True)]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.setattr(classifier.config.data, "validation", [str(file)])
    same = count_label_changes(exported.path, classifier)
    none = equivalence(Discordant(rows=4, only_a=0, only_b=0), 0.01)
    assert same == LabelChanges(0, 4, file, accuracy=(0.75, 0.75), equivalence=none)
    answers = classifier.predict

    def lie(*columns):
        outputs = answers(*columns)
        labels = [
            flipped[label] if "手机".encode() in text else label
            for text, label in zip(columns[0], outputs["label"], strict=True)
        ]
        return {**outputs, "label": np.array(labels, object)}

    monkeypatch.setattr(classifier, "predict", lie)
    found = count_label_changes(exported.path, classifier)
    one = equivalence(Discordant(rows=4, only_a=0, only_b=1), 0.01)
    assert found == LabelChanges(1, 4, file, accuracy=(0.5, 0.75), equivalence=one)


def test_pairs_are_asked_as_pairs(exported_pairs, tmp_path, monkeypatch):
    file = tmp_path / "rows.jsonl"
    rows = [{"text": "手机1", "pair": "手机2"}, {"text": "酒店", "pair": "早餐"}]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.setattr(exported_pairs.classifier.config.data, "train", [str(file)])
    found = count_label_changes(exported_pairs.path, exported_pairs.classifier)
    assert (found.changed, found.rows) == (0, 2)
    assert found.cosine == pytest.approx(1.0, abs=1e-5)


def test_the_accuracy_is_of_the_rows_that_training_validated_on(exported, reviews, tmp_path, monkeypatch):
    """However the file is named, without rows that have no label."""
    monkeypatch.chdir(tmp_path)
    rows = [{"text": row.text, "label": row.labels[0]} for row in reviews.rows[:12]]
    lines = map(json.dumps, [*rows, {"text": "手机", "label": ""}, {"text": "", "label": "positive"}])
    Path("dev.jsonl").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(exported.classifier.config.data, "validation", ["./dev.jsonl"])
    found = count_label_changes(exported.path, exported.classifier)
    decided = exported.classifier.predict([row["text"] for row in rows])["label"]
    accuracy = np.mean([label.decode() == row["label"] for label, row in zip(decided, rows, strict=True)])
    assert (found.rows, found.accuracy) == (12, (accuracy, accuracy))


def test_rows_that_are_gone_or_changed_are_not_compared(exported, exported_pairs, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="data files are not there"):
        count_label_changes(exported_pairs.path, exported_pairs.classifier)
    (tmp_path / "dev.jsonl").write_text('{"text": "好", "label": "new"}', encoding="utf-8")
    monkeypatch.setattr(exported.classifier.config.data, "validation", [str(tmp_path / "dev.jsonl")])
    with pytest.raises(DataError, match="unknown label 'new'"):
        count_label_changes(exported.path, exported.classifier)
    (tmp_path / "dev.jsonl").write_text('{"text": "好", "label": ""}', encoding="utf-8")
    with pytest.raises(DataError, match="holds no usable row"):
        count_label_changes(exported.path, exported.classifier)

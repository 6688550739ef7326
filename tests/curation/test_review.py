import json

import numpy as np
import pytest

from kerasbert.curation.out_of_fold import naive_bayes, out_of_fold
from kerasbert.curation.review import CONFLICT, LABEL_ERROR, Review
from kerasbert.data import Columns, Row, Rows
from kerasbert.errors import DataError, UserError

LABELS = ("negative", "positive")


def rows(*cells: tuple[str, str]) -> Rows:
    return Rows([Row(text, (label,), None, "f", line) for line, (text, label) in enumerate(cells, 2)])


def test_label_errors_come_first_the_surest_leading():
    reviews = rows(*[(f"好{n}", "positive") for n in range(8)], *[(f"差{n}", "negative") for n in range(8)])
    probabilities = np.array([[0.1, 0.9]] * 8 + [[0.9, 0.1]] * 8)
    probabilities[3], probabilities[5] = [0.92, 0.08], [0.98, 0.02]
    review = Review(reviews, LABELS, probabilities)
    assert [(issue.row.text, issue.suggested) for issue in review.issues] == [
        ("好5", ("negative",)), ("好3", ("negative",)),
    ]  # fmt: skip
    assert review.issues[0].given_probability == pytest.approx(0.02)
    assert review.summary["label_errors"] == 2
    assert review.summary["confusions"] == [{"given": "positive", "probably": "negative", "rows": 2}]
    assert review.summary["agreement"] == 14 / 16


def test_conflicting_duplicates_show_the_minority_and_one_of_the_others():
    same = rows(("很好！", "positive"), ("很好", "positive"), ("很 好", "negative"), ("很好。", "positive"))
    review = Review(same, LABELS, np.full([4, 2], np.nan))
    shown = [(issue.kind, issue.row.text, issue.suggested, issue.group) for issue in review.issues]
    assert shown == [(CONFLICT, "很好！", (), 1), (CONFLICT, "很 好", ("positive",), 1)]
    even = Review(rows(("很好", "positive"), ("很好", "negative")), LABELS, np.full([2, 2], np.nan))
    assert [issue.suggested for issue in even.issues] == [(), ()]
    assert even.summary["checked"] == 0


def test_each_of_several_labels_is_questioned():
    rows = Rows([Row(f"文{n}", ("a",) if n % 2 else ("a", "b"), None, "f", n) for n in range(20)])
    probabilities = np.array([[0.9, 0.1] if n % 2 else [0.9, 0.9] for n in range(20)])
    probabilities[4] = [0.9, 0.02]
    review = Review(rows, ("a", "b"), probabilities, several=True)
    (issue,) = review.issues
    assert (issue.kind, issue.row.text, issue.suggested) == (LABEL_ERROR, "文4", ("a",))
    assert issue.given_probability == pytest.approx(0.02)


def test_predictions_are_found_by_their_texts_and_averaged(tmp_path):
    def write(name, *records):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")

    write("seed-0/predictions.jsonl", {"text": "b", "probabilities": {"negative": 0.2, "positive": 0.8}})
    write("seed-1/predictions.jsonl", {"text": "a", "probabilities": {"positive": 1}})
    write(
        "one.jsonl",
        {"text": "b", "probabilities": {"negative": 0.4, "positive": 0.6}},
        {"text": "z", "probabilities": {"negative": 1}},
    )
    given = rows(("a", "positive"), ("b", "negative"), ("b", "positive"), ("c", "positive"))
    found = out_of_fold([str(tmp_path), str(tmp_path / "one.jsonl")], given, Columns(), LABELS)
    np.testing.assert_allclose(found, [[0, 1], [0.3, 0.7], [0.3, 0.7], [np.nan, np.nan]], rtol=1e-6)
    with pytest.raises(DataError, match="none of the texts"):
        out_of_fold([str(tmp_path / "one.jsonl")], rows(("q", "positive")), Columns(), LABELS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds no predictions\.jsonl"):
        out_of_fold([str(tmp_path / "empty")], given, Columns(), LABELS)


def test_naive_bayes_is_asked_about_rows_it_has_not_seen(reviews):
    found = naive_bayes(reviews, 4, LABELS)
    right = [LABELS.index(row.labels[0]) for row in reviews.rows]
    assert np.mean(found.argmax(axis=1) == right) > 0.9
    alone = Rows([*reviews.rows, Row("唯一", ("rare",), None, "f", 1)])
    assert np.isnan(naive_bayes(alone, 4, (*LABELS, "rare"))[-1]).all()

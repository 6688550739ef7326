import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from kerasbert.data import Row, Rows
from kerasbert.evaluation import evaluate_rows
from kerasbert.evaluation.baseline import baseline_decisions


def rows(*cells: tuple) -> Rows:
    return Rows([Row(text, labels, pair, "f", 1) for text, labels, pair in cells])


def test_it_is_naive_bayes_over_characters_and_pairs_of_them(reviews):
    train, held_out = Rows(reviews.rows[::2]), Rows(reviews.rows[1::2])
    pipeline = make_pipeline(CountVectorizer(analyzer="char", ngram_range=(1, 2)), MultinomialNB())
    pipeline.fit(train.texts, [row[0] for row in train.labels])
    decided = baseline_decisions(train, held_out, ("negative", "positive"))
    assert np.array(["negative", "positive"])[decided.argmax(1)].tolist() == (
        pipeline.predict(held_out.texts).tolist()
    )
    assert decided.sum(1).tolist() == [1] * len(held_out)


def test_its_metrics_stand_beside_the_model(chosen_model, reviews):
    train, held_out = Rows(reviews.rows[:50]), Rows(reviews.rows[50:])
    labels = ("negative", "positive")
    model = chosen_model(labels, {row.text: [0.9, 0.1] for row in held_out.rows})
    metrics = evaluate_rows(model, held_out, train).metrics
    decided = baseline_decisions(train, held_out, labels).argmax(1)
    truth = [labels.index(row[0]) for row in held_out.labels]
    assert metrics["baseline"]["accuracy"] == pytest.approx(accuracy_score(truth, decided))
    assert metrics["baseline"]["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro"))


def test_it_reads_both_texts_of_a_pair():
    train = rows(*[("same", (label,), word * 3) for label, word in (("a", "x"), ("b", "y"))])
    decided = baseline_decisions(train, rows(("same", (), "yy"), ("same", (), "xx")), ("a", "b"))
    assert decided.tolist() == [[0, 1], [1, 0]]


def test_it_gives_several_labels_a_row():
    train = rows(
        ("xxx", ("a",), None),
        ("yyy", ("b",), None),
        ("xxxyyy", ("a", "b"), None),
        ("zzz", (), None),
    )
    decided = baseline_decisions(train, rows(("xxyy", (), None), ("zzzz", (), None)), ("a", "b"))
    assert decided.tolist() == [[1, 1], [0, 0]]


def test_a_label_that_all_training_rows_or_none_have_does_not_warn():
    train = rows(("xxx", ("a",), None), ("yyy", ("a", "b"), None))
    decided = baseline_decisions(train, rows(("yy", (), None)), ("a", "b", "never"))
    assert decided[0, [0, 2]].tolist() == [1, 0]


def test_a_label_that_training_rows_lack_is_never_decided():
    train = rows(("xxx", ("a",), None), ("yyy", ("c",), None))
    decided = baseline_decisions(train, rows(("xx", (), None), ("yy", (), None)), ("a", "b", "c"))
    assert decided.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_training_rows_without_labels_at_all_give_no_baseline_and_no_error(chosen_model):
    train = rows(("xxx", ("a",), None), ("yyy", ("a",), None))
    model = chosen_model(["a", "b"], {"x": [0.9, 0.1]})
    metrics = evaluate_rows(model, rows(("x", ("a",), None)), train).metrics
    assert metrics["examples"] == 1

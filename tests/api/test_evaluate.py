"""A model is measured on rows in memory as on those in a file."""

import doctest

import pandas as pd
import pytest

import kerasbert
from kerasbert.api import evaluate as documented
from kerasbert.evaluation import evaluate


def test_the_example_in_the_docstring_runs(trained):
    names = {"kerasbert": kerasbert, "model": trained.model}
    (example,) = doctest.DocTestFinder(recurse=False).find(documented, "evaluate", globs=names)
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert (runner.tries, runner.failures) == (3, 0)


def test_rows_in_memory_give_the_metrics_of_their_file(trained, reviews, reviews_file):
    frame = pd.DataFrame({"review": reviews.texts, "stars": [row.labels[0] for row in reviews.rows]})
    columns = {"text_column": "review", "label_column": "stars"}
    metrics = kerasbert.evaluate(trained.model, frame, **columns).metrics
    assert metrics == evaluate(trained.model, [reviews_file]).metrics
    assert metrics == kerasbert.evaluate(trained.model, str(reviews_file)).metrics
    assert metrics["baseline"]


def test_evaluations_are_short_in_a_notebook(trained):
    assert "很好" not in repr(kerasbert.evaluate(trained.model, [("手机很好", "positive")]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([("好", "neutral")], "^data:1: unknown label 'neutral'"),
        (pd.DataFrame({"review": ["好"], "label": ["positive"]}), "Pass text_column='review'"),
        ([("好", None)], "^data: holds no usable row"),
    ],
)
def test_rows_that_cannot_be_measured_on_are_refused(trained, data, message):
    with pytest.raises(kerasbert.UserError, match=message):
        kerasbert.evaluate(trained.model, data)


def test_slices_are_a_list_of_columns(trained):
    frame = pd.DataFrame({"text": ["好", "坏"] * 10, "label": ["positive"] * 20, "by": ["x", "y"] * 10})
    metrics = kerasbert.evaluate(trained.model, frame, slices=["by"], group_column="by").metrics
    assert [part["by"] for part in metrics["slices"]["slices"] if part["column"]] == ["by", "by"]
    with pytest.raises(kerasbert.UserError, match=r"slices: must be a list of column names.*Pass \['by'\]"):
        kerasbert.evaluate(trained.model, frame, slices="by")

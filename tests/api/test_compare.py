import pytest

import kerasbert

ROWS = [("手机很好", "positive"), ("酒店太差", "negative"), ("衣服不错", "negative")]


@pytest.mark.process
def test_an_open_model_and_a_file_are_compared_on_rows_in_memory(trained, tmp_path):
    given = tmp_path / "given.csv"
    given.write_text("label\npositive\nnegative\nnegative\n")
    metrics = kerasbert.compare(trained.model, given, ROWS).metrics
    assert metrics["b"]["accuracy"] == 1
    assert metrics["a"]["accuracy"] == kerasbert.evaluate(trained.model, ROWS).metrics["accuracy"]


def test_groups_may_be_in_memory_too(trained):
    table = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS], "by": [1, 1, 2]}
    records = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    for data in (table, records):
        found = kerasbert.compare(trained.model, trained.model, data, group_column="by").metrics
        assert found["groups"] == 2
        with pytest.raises(kerasbert.UserError, match="group_column: the rows have no column 'author'"):
            kerasbert.compare(trained.model, trained.model, data, group_column="author")


@pytest.mark.parametrize("margin", [0, 0.5, -1, float("nan")])
def test_a_margin_that_is_none_is_refused(trained, margin):
    with pytest.raises(kerasbert.UserError, match=r"margin: must be above 0 and at most 0\.2"):
        kerasbert.compare(trained.model, trained.model, ROWS, margin=margin)


def test_what_is_no_path_is_refused(trained):
    with pytest.raises(kerasbert.UserError, match="b: must be a path"):
        kerasbert.compare(trained.model, 7, ROWS)

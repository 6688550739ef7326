import json

import pytest


@pytest.fixture
def data(write):
    cells = [("手机很好", "positive"), ("酒店太差", "negative"), ("衣服不错", "negative"), ("好", "positive")]
    return write("data.jsonl", [json.dumps({"text": text, "label": label}) for text, label in cells])


@pytest.fixture
def given(write):
    return write(
        "given.csv", ["text,label", "手机很好,positive", "酒店太差,positive", "衣服不错,positive", "好,x"]
    )


@pytest.fixture
def opened(opened_once, monkeypatch):
    from kerasbert.evaluation import answers
    from kerasbert.predictors import open as opening

    monkeypatch.setattr(answers, "open_model", opening.open_model)
    return opened_once


def test_a_run_and_a_file_are_compared_as_one_json_document(kerasbert, opened, trained, data, given):
    result = kerasbert("compare", opened, given, "--data", data, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    metrics = json.loads(result.stdout)
    evaluated = json.loads(kerasbert("evaluate", opened, "--data", data, "--json").stdout)
    for name in ("accuracy", "macro_f1"):
        wanted = evaluated[name] if name == "accuracy" else pytest.approx(evaluated[name], abs=1)
        assert metrics["a"][name] == wanted
    assert metrics["b"]["accuracy"] == 0.25
    assert metrics["labels"] == ["negative", "positive", "x"]


def test_what_predict_writes_is_what_the_run_decides(kerasbert, opened, data, tmp_path):
    for name in ("p.jsonl", "p.csv", "p.tsv", "p.parquet"):
        path = tmp_path / name
        assert kerasbert("predict", opened, "--input", data, "--output", path).exit_code == 0
        result = kerasbert("compare", opened, path, "--data", data, "--json")
        metrics = json.loads(result.stdout)
        assert metrics["decided_alike"] == metrics["examples"] == 4, name


def test_the_report_is_written_and_the_summary_printed(kerasbert, opened, data, given, tmp_path):
    result = kerasbert("compare", given, opened, "--data", data, "--output", tmp_path / "report")
    assert result.exit_code == 0
    assert f"report: {tmp_path / 'report' / 'index.html'}" in result.stderr
    assert (tmp_path / "report" / "flips.jsonl").exists()
    assert "B - A" in result.stdout


def test_predictions_come_from_standard_input(kerasbert, data, given):
    result = kerasbert("compare", "-", given, "--data", data, "--json", stdin=given.read_bytes())
    assert json.loads(result.stdout)["a"]["accuracy"] == 0.25
    result = kerasbert("compare", given, given, "--data", "-", "--json", stdin=data.read_bytes())
    assert json.loads(result.stdout)["examples"] == 4


@pytest.mark.parametrize("margin", ["0", "-1", "0.5", "x", "nan"])
def test_a_margin_of_points_is_refused(kerasbert, data, given, margin):
    assert kerasbert("compare", given, given, "--data", data, "--margin", margin).exit_code == 2


def test_a_label_that_neither_knows_is_refused(refused, opened, write, given):
    data = write("d.jsonl", ['{"text": "手机很好", "label": "positiv"}'])
    message = refused("compare", opened, opened, "--data", data)
    assert "d.jsonl:1: unknown label 'positiv'. Did you mean 'positive'?" in message
    assert "neither A nor B knows the label" in message


def test_wrong_files_are_refused_in_one_line(refused, data, given, tmp_path):
    assert "no such path" in refused("compare", given, tmp_path / "x", "--data", data)
    assert "no column 'author'" in refused(
        "compare", given, given, "--data", data, "--group-column", "author"
    )
    assert "cannot be read" in refused("compare", given, given, "--data", tmp_path / "x.csv")

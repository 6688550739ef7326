import json
import shutil

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


def test_several_models_of_a_side_are_a_pattern_in_quotes(kerasbert, data, given, write, tmp_path):
    for seed in (1, 2):
        write(f"b-{seed}.csv", ["label", "positive", "negative", "negative", "positive"])
    arguments = ("--data", data, "--output", tmp_path / "report")
    result = kerasbert("compare", given, f"{tmp_path}/b-*.csv", *arguments)
    assert result.exit_code == 0, result.stderr
    assert "(2 models: 1.0000, 1.0000)" in result.stdout
    assert (tmp_path / "report" / "index.html").exists()
    unquoted = kerasbert("compare", given, tmp_path / "b-1.csv", tmp_path / "b-2.csv", "--data", data)
    assert unquoted.exit_code == 2
    assert "Put a pattern of several models in quotes" in unquoted.stderr


@pytest.mark.process
def test_what_train_wrote_for_several_seeds_is_one_side(kerasbert, trained, data, given, tmp_path):
    for seed in (0, 1):
        shutil.copytree(trained.run.path, tmp_path / "seeds" / f"seed-{seed}")
    (tmp_path / "seeds" / "summary.json").write_text("{}")
    metrics = json.loads(kerasbert("compare", tmp_path / "seeds", given, "--data", data, "--json").stdout)
    one = json.loads(kerasbert("compare", trained.run.path, given, "--data", data, "--json").stdout)
    assert metrics["a"]["accuracy"] == one["a"]["accuracy"]
    assert metrics["a"]["alike"] == [str(tmp_path / "seeds" / f"seed-{seed}") for seed in (0, 1)]
    assert metrics["difference"]["accuracy"]["variance"]["seeds"] == 0


def test_an_output_that_cannot_be_written_is_refused_before_a_model_answers(refused, data, tmp_path):
    for command in (("compare", "none", "none"), ("evaluate", "none")):
        for output in (data, data / "report"):
            message = refused(*command, "--data", data, "--output", output)
            assert "cannot be written (Not a directory)" in message

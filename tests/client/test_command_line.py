"""`predict` and `evaluate` of a URL, over the same servers."""

import json

import pytest
from click.testing import CliRunner, Result

from kerasbert.cli import main

from ..support import json_lines


@pytest.fixture(scope="session")
def kerasbert():
    def run(*arguments, stdin: str = "") -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def without_scores(record: dict) -> dict:
    return {name: value for name, value in record.items() if name not in ("score", "probabilities")}


def test_a_url_answers_as_the_directory_does(kerasbert, served, exported):
    texts = ["手机很好", "", "酒店\0太差"]
    over_url, direct = (kerasbert("predict", model, *texts) for model in (served[0], exported))
    assert (over_url.exit_code, over_url.stderr) == (0, "")
    got, wanted = json_lines(over_url.stdout), json_lines(direct.stdout)
    assert list(map(without_scores, got)) == list(map(without_scores, wanted))
    assert [r["score"] for r in got] == pytest.approx([r["score"] for r in wanted], abs=1e-5)


def test_a_long_input_comes_back_in_order(kerasbert, served, tmp_path):
    url, model = served
    texts = [f"手机{number} " + "好" * (number % 50) for number in range(3000)]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    (tmp_path / "big.jsonl").write_text("\n".join(lines), encoding="utf-8")
    output = tmp_path / "out.jsonl"
    result = kerasbert("predict", url, "--input", tmp_path / "big.jsonl", "--output", output)
    assert (result.exit_code, result.output) == (0, "")
    assert [r["text"] for r in json_lines(output.read_text(encoding="utf-8"))] == texts
    assert max(model.sizes) <= 64
    assert model.most_under_way > 1


def test_a_failure_midway_says_how_far_it_came(kerasbert, served, tmp_path):
    url, model = served
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"手机{number}\n" for number in range(2500)), encoding="utf-8")
    # The first two windows of 1024 lines take 16 requests each.
    model.faults = [lambda answer: answer] * 32 + [lambda answer: {}] * 100
    result = kerasbert("predict", url, "--input", lines)
    assert result.exit_code == 1
    assert len(json_lines(result.stdout)) == 2048
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {url}: ")
    assert line.endswith("Lines answered before: 2048.")
    model.faults = [lambda answer: answer] * 32 + [lambda answer: {}] * 100
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    assert kerasbert("predict", url, "--input", lines, "--output", output).exit_code == 1
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [lines, output]


def test_pairs_are_two_cells(kerasbert, served_handmade):
    result = kerasbert("predict", served_handmade[0], "--input", "-", stdin="前\t后\n一\t二\n")
    assert [(r["text"], r["pair"], r["joined"]) for r in json_lines(result.stdout)] == [
        ("前", "后", "前|后"),
        ("一", "二", "一|二"),
    ]
    result = kerasbert("predict", served_handmade[0], "alone")
    assert result.exit_code == 2
    assert "this model takes pairs" in result.stderr


def test_the_metrics_of_a_url_are_those_of_the_directory(kerasbert, served, exported, reviews_file):
    over_url, direct = (
        json.loads(kerasbert("evaluate", model, "--data", reviews_file, "--json").stdout)
        for model in (served[0], exported)
    )
    assert direct.pop("baseline")  # a server does not tell where the training rows were
    assert over_url == direct


def test_a_model_of_several_labels_is_measured_by_all_of_them(kerasbert, served_handmade, tmp_path):
    url, model = served_handmade
    texts = [str(number) for number in range(20)]
    feed = [text.encode() for text in texts]
    answer = model.predict({"text": feed, "pair": feed})
    assert {0, 1, 2} <= set(answer["given"].sum(1))
    truth = ["|".join(("甲", "b c", "三")[i] for i in row.nonzero()[0]) for row in answer["given"]]
    rows = [{"text": t, "pair": t, "label": label} for t, label in zip(texts, truth, strict=True)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = kerasbert("evaluate", url, "--data", tmp_path / "data.jsonl", "--json")
    metrics = json.loads(result.stdout)
    assert (metrics["accuracy"], metrics["examples"], metrics["confusion"]) == (1.0, 20, None)


@pytest.mark.parametrize(("suffix", "status"), [("/versions/9", 2), ("/labels/none", 2), ("/nonsense", 2)])
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_wrong_url_is_one_line(kerasbert, served, reviews_file, command, suffix, status):
    option = "--input" if command == "predict" else "--data"
    result = kerasbert(command, served[0] + suffix, option, reviews_file)
    assert (result.exit_code, result.stdout) == (status, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {served[0]}{suffix}: ")


def test_a_server_that_is_not_there_is_a_failure(kerasbert):
    result = kerasbert("predict", "http://127.0.0.1:1/v1/models/m", "a")
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "cannot be reached" in line

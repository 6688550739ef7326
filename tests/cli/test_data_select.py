import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kerasbert.cli import main
from kerasbert.data import Columns, load_rows

pytestmark = pytest.mark.process


@pytest.fixture
def pool(write, reviews) -> Path:
    """Rows that the model has been trained on, new ones, one of them twice, and an empty one."""
    new = [f"{thing}{word}" for thing in "一二三四五六七八九十" for word in ("很好", "太差", "还行")]
    texts = [*(row.text for row in reviews.rows[:10]), *new, new[0], "  "]
    return write("pool.csv", ["id,text", *(f"{n},{text}" for n, text in enumerate(texts))])


def test_new_texts_are_selected_once(kerasbert, opened_once, pool, reviews, tmp_path):
    output = tmp_path / "next.csv"
    result = kerasbert("data", "select", opened_once, "--input", pool, "--count", 12, "--output", output)
    assert result.exit_code == 0, result.output
    assert "12 text(s) to label" in result.stderr
    assert "12 more labels bring cannot be said: 80 different text(s)" in result.stdout
    with output.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "text", "label", "predicted", "score", "reason"]
    texts = [row["text"] for row in rows]
    assert len(set(texts)) == 12
    assert not set(texts) & {row.text for row in reviews.rows}
    assert [row["reason"] for row in rows] == ["doubted"] * 11 + ["random"]
    assert {row["predicted"] for row in rows} <= {"negative", "positive"}
    again = tmp_path / "again.csv"
    kerasbert("data", "select", opened_once, "--input", pool, "--count", 12, "--output", again)
    assert again.read_bytes() == output.read_bytes()


def test_no_more_than_there_are(kerasbert, opened_once, pool, tmp_path):
    for share in (0, 0.5, 1):
        output = tmp_path / f"all-{share}.jsonl"
        result = kerasbert(
            "data", "select", opened_once, "--input", pool, "--random-share", share, "--output", output
        )
        assert result.exit_code == 0, result.output
        texts = [json.loads(line)["text"] for line in output.read_text(encoding="utf-8").splitlines()]
        assert len(texts) == len(set(texts)) == 30


def test_annotation_tools_get_their_formats_and_their_answers_are_read(
    kerasbert, opened_once, pool, tmp_path
):
    studio, doccano = tmp_path / "tasks.json", tmp_path / "doccano.jsonl"
    arguments = ("data", "select", opened_once, "--input", pool, "--count", 3)
    assert kerasbert(*arguments, "--output", studio).exit_code == 0
    assert kerasbert(*arguments, "--output", doccano, "--format", "doccano").exit_code == 0
    tasks = json.loads(studio.read_text(encoding="utf-8"))
    (result,) = tasks[0]["predictions"][0]["result"]
    assert result["type"] == "choices"
    for task in tasks:  # as an annotator who agrees
        task["annotations"] = [{"result": task["predictions"][0]["result"]}]
    studio.write_text(json.dumps(tasks), encoding="utf-8")
    of_studio, of_doccano = (load_rows([path], Columns()).rows for path in (studio, doccano))
    assert [(row.text, row.labels) for row in of_studio] == [(row.text, row.labels) for row in of_doccano]
    assert len(of_studio) == 3


def test_what_cannot_be_written_or_read_is_refused(refused, opened_once, pool, tmp_path):
    arguments = ("data", "select", opened_once, "--input", pool, "--output")
    assert "rows are written as .jsonl, .csv or .tsv" in refused(*arguments, tmp_path / "next.parquet")
    assert "is also an input" in refused(*arguments, pool)


@pytest.mark.parametrize(("form", "name"), [("label-studio", "next.csv"), ("doccano", "next.json")])
def test_a_format_goes_into_a_file_that_its_tool_reads(form, name, tmp_path):
    result = CliRunner().invoke(
        main,
        ["data", "select", "run", "--input", "x.csv", "--output", str(tmp_path / name), "--format", form],
    )
    assert result.exit_code == 2
    assert f"{form} reads .json" in result.output
    assert not (tmp_path / name).exists()


def test_a_share_is_a_number(kerasbert, tmp_path):
    arguments = ("data", "select", tmp_path, "--input", "x.txt", "--output", "y.csv", "--random-share", "nan")
    result = kerasbert(*arguments)
    assert (result.exit_code, "nan is not a finite number" in result.stderr) == (2, True)

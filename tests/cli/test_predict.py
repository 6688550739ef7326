import errno
import json
import os
import sys

import pytest

from kerasbert.cli import main
from kerasbert.data import Columns, read_rows

from ..support import json_lines


def test_texts_are_answered_in_order(kerasbert, opened_once, trained):
    texts = ["手机很好", "酒店太差", "", "好" * 500, "手机很好"]
    result = kerasbert("predict", opened_once, *texts)
    assert (result.exit_code, result.stderr) == (0, "")
    answers = json_lines(result.stdout)
    assert [answer["text"] for answer in answers] == texts
    expected = trained.classifier.predict(texts)
    assert [answer["label"] for answer in answers] == [label.decode() for label in expected["label"]]
    assert [a["score"] for a in answers] == pytest.approx(expected["score"].tolist(), abs=1e-5)


def test_a_file_and_stdin_are_answered_alike(kerasbert, opened_once, tmp_path):
    content = "一\n\n三\r\n没有换行".encode()
    (tmp_path / "lines.txt").write_bytes(content)
    from_file = kerasbert("predict", opened_once, "--input", tmp_path / "lines.txt")
    from_stdin = kerasbert("predict", opened_once, "--input", "-", stdin=content)
    assert from_file.exit_code == from_stdin.exit_code == 0
    assert from_file.stdout == from_stdin.stdout
    assert [answer["text"] for answer in json_lines(from_file.stdout)] == ["一", "", "三", "没有换行"]


def test_there_is_an_answer_for_each_line_of_text(kerasbert, opened_once):
    lines = ["", "\u2028", "好", "\t", "\r", "\ufffd", " ", "\x01"]
    result = kerasbert("predict", opened_once, "--input", "-", stdin="\n".join(lines).encode() + b"\n")
    assert result.exit_code == 0
    answers = json_lines(result.stdout)
    assert len(answers) == len(lines)
    assert answers[2]["text"] == "好"
    assert all(answer["label"] in ("negative", "positive") for answer in answers)


def test_tsv_has_three_columns(kerasbert, opened_once):
    result = kerasbert("predict", opened_once, "--format", "tsv", "--input", "-", stdin="一\n\n二\n".encode())
    assert result.exit_code == 0
    cells = [line.split("\t") for line in result.stdout.split("\n")[:-1]]
    assert cells[0] == ["text", "label", "score"]
    assert [row[0] for row in cells[1:]] == ["一", "", "二"]
    assert all(0.5 <= float(row[2]) <= 1 for row in cells[1:])


def test_a_data_file_is_answered_row_by_row(kerasbert, opened_once, reviews, reviews_file):
    result = kerasbert("predict", opened_once, "--input", reviews_file)
    assert [answer["text"] for answer in json_lines(result.stdout)] == reviews.texts


def test_an_output_file_holds_what_stdout_would(kerasbert, opened_once, reviews_file, tmp_path):
    on_stdout = kerasbert("predict", opened_once, "--input", reviews_file).stdout
    result = kerasbert("predict", opened_once, "--input", reviews_file, "--output", tmp_path / "out.jsonl")
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "out.jsonl").read_bytes().decode() == on_stdout


def test_a_full_disk_leaves_the_old_output(kerasbert, opened_once, reviews_file, tmp_path, largest_file):
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    with largest_file(4096):
        result = kerasbert("predict", opened_once, "--input", reviews_file, "--output", output)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {output}: cannot be written")
    assert output.read_text() == "old"
    assert list(tmp_path.iterdir()) == [output]


def test_streams_take_answers_in_a_directory_that_may_not_be_written(kerasbert, opened_once, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    result = kerasbert("predict", opened_once, "好")
    assert len(json_lines(result.stdout)) == 1
    assert kerasbert("predict", opened_once, "好", "--output", os.devnull).exit_code == 0
    assert not os.path.isfile(os.devnull)


@pytest.mark.parametrize("output", ["missing/out", "file/out", "folder"])
def test_an_output_that_cannot_be_written_is_refused(refused, opened_once, tmp_path, output):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert "cannot be written" in refused("predict", opened_once, "好", "--output", tmp_path / output)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.txt", None, "missing.txt: cannot be read"),
        ("empty.jsonl", "", "empty.jsonl: holds no rows"),
        ("data.csv", "body\nx\n", "has no column 'text'"),
    ],
)
def test_an_input_that_cannot_be_read_is_refused(refused, opened_once, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    arguments = ("--input", tmp_path / name, "--output", tmp_path / "out")
    assert message in refused("predict", opened_once, *arguments)


@pytest.mark.parametrize("arguments", [(), ("text", "--input", "-")])
def test_either_text_or_input_is_wanted(kerasbert, tmp_path, arguments):
    result = kerasbert("predict", tmp_path, *arguments)
    assert result.exit_code == 2
    assert "either TEXT or --input" in result.stderr


@pytest.mark.slow
@pytest.mark.process
def test_a_closed_pipe_is_no_error_to_show(process, trained, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("手机很好\n" * 3000, encoding="utf-8")
    running = process("predict", trained.run.path, "--input", lines)
    first = running.stdout.readline()
    running.stdout.close()
    err = running.stderr.read().decode()
    running.stderr.close()
    assert json.loads(first)["text"] == "手机很好"
    assert running.wait(timeout=400) in (0, 1)
    progress = ("loading ", "predicting")  # on a slow machine
    assert [line for line in err.splitlines() if not line.startswith(progress)] == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_full_disk_behind_stdout_is_one_line(opened_once, reviews_file, monkeypatch, capsys, command):
    option = "--input" if command == "predict" else "--data"
    arguments = [command, str(opened_once), option, str(reviews_file)]
    with open("/dev/full", "w") as full, open(os.devnull, "w") as nowhere:
        monkeypatch.setattr(sys, "stdout", full)
        try:
            with pytest.raises(SystemExit) as ended:
                main(arguments, prog_name="kerasbert")
        finally:
            os.dup2(nowhere.fileno(), full.fileno())  # or closing it would fail
    assert ended.value.code in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert os.strerror(errno.ENOSPC) in line


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.parquet", "a.JSONL"])
def test_the_name_of_the_output_chooses_its_format(
    kerasbert, opened_once, reviews, reviews_file, tmp_path, name
):
    result = kerasbert("predict", opened_once, "--input", reviews_file, "--output", tmp_path / name)
    assert (result.exit_code, result.output) == (0, "")
    answers = list(read_rows(tmp_path / name, Columns()))
    assert [row.text for row in answers] == reviews.texts
    assert {label for row in answers for label in row.labels} == {"negative", "positive"}


BLANKS = ["第一条", "", "第三条", "", "", "第六条"]


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx"])
def test_there_is_an_answer_for_each_row_blank_or_not(kerasbert, opened_once, tmp_path, write_texts, suffix):
    path = write_texts(tmp_path / f"in{suffix}", BLANKS)
    result = kerasbert("predict", opened_once, "--input", path)
    assert result.exit_code == 0, result.stderr
    assert [answer["text"] for answer in json_lines(result.stdout)] == BLANKS


def test_another_encoding_is_refused_before_the_first_answer(kerasbert, refused, opened_once, tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes("很好\n".encode() + "房间很干净，服务热情\n".encode("gb18030"))
    assert "is not UTF-8 (line 2" in refused("predict", opened_once, "--input", path)
    path.write_bytes("很好\n房间很干净，服务热情\n".encode("gb18030"))
    message = refused("predict", opened_once, "--input", path)
    assert message.strip().endswith("is not UTF-8. It reads as gb18030. Add --encoding gb18030.")
    result = kerasbert("predict", opened_once, "--input", path, "--encoding", "gb18030")
    assert [answer["text"] for answer in json_lines(result.stdout)] == ["很好", "房间很干净，服务热情"]


def test_standard_input_is_refused_at_the_line(kerasbert, opened_once):
    stdin = "很好\n\n".encode() + "房间很干净\n".encode("gb18030")
    result = kerasbert("predict", opened_once, "--input", "-", stdin=stdin)
    assert result.exit_code == 2
    assert [answer["text"] for answer in json_lines(result.stdout)] == ["很好", ""]
    assert result.stderr.startswith("Error: standard input:3: is not UTF-8")
    assert "Add --encoding gb18030." in result.stderr


def test_a_table_on_standard_input_is_read_by_its_column(kerasbert, opened_once):
    for stdin in (
        'id,review\n1,"一,二"\n,\n',
        "review\tid\n一,二\t1\n\t\n",
        '{"review": "一,二"}\n{"review": null}\n',
    ):
        result = kerasbert(
            "predict", opened_once, "--input", "-", "--text-column", "review", stdin=stdin.encode()
        )
        assert [answer["text"] for answer in json_lines(result.stdout)] == ["一,二", ""]


def test_a_missing_column_is_named_with_the_one_that_was_meant(refused, kerasbert, opened_once, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,评论内容\n1,很好\n", encoding="utf-8")
    message = refused("predict", opened_once, "--input", path)
    assert message.strip().endswith("Did you mean '评论内容'? Add --text-column 评论内容.")
    result = kerasbert("predict", opened_once, "--input", path, "--text-column", "评论内容")
    assert [answer["text"] for answer in json_lines(result.stdout)] == ["很好"]


def test_a_pair_column_is_refused_where_the_model_takes_one_text(refused, opened_once, reviews_file):
    message = refused("predict", opened_once, "--input", reviews_file, "--pair-column", "label")
    assert "--pair-column: the model takes single texts" in message


def test_lost_characters_are_a_warning_with_their_lines(kerasbert, opened_once):
    lines = ["好", *["\ufffd好"] * 6]
    result = kerasbert("predict", opened_once, "--input", "-", stdin="\n".join(lines).encode())
    assert (result.exit_code, len(json_lines(result.stdout))) == (0, 7)
    assert result.stderr == (
        "Warning: standard input: 6 row(s) contain U+FFFD, left by an earlier conversion: "
        "line 2, 3, 4, 5, 6 and 1 more.\n"
    )


def test_the_file_that_is_read_is_not_written(kerasbert, opened_once, tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("text,label\n好,1\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(source)
    for output in (source, tmp_path / "link.csv"):
        result = kerasbert("predict", opened_once, "--input", source, "--output", output)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "would be overwritten. Write to another file" in result.stderr
    assert source.read_text(encoding="utf-8") == "text,label\n好,1\n"

import contextlib
import io
import json
import shutil
import sys

import pytest

from kerasbert.cli import main
from kerasbert.text import TextGraph


def row(text: str, label: str) -> str:
    return json.dumps({"text": text, "label": label}, ensure_ascii=False)


def test_good_files_pass(kerasbert, reviews_file):
    result = kerasbert("data", "check", reviews_file)
    assert result.exit_code == 0
    assert "80 rows" in result.stdout
    assert "0 error(s)" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no rows"),
        ([row("a", "x"), row("b", "x")], "at least two labels"),
        (['{"body": "a", "label": "x"}'], "has no column 'text'"),
        (["nonsense"], "is not JSON"),
        ([row("same", label) for label in "xyxyxy"], "1 distinct texts cannot be split"),
        ([row(text, label) for text, label in zip("abcd", "xxxy", strict=True)], "cannot be split"),
    ],
)
def test_what_would_break_a_training_ends_with_status_two(kerasbert, write, lines, message):
    result = kerasbert("data", "check", write("data.jsonl", lines))
    assert result.exit_code == 2
    assert message in result.stdout + result.stderr


def test_a_missing_file_ends_with_status_two(kerasbert, tmp_path, reviews_file):
    result = kerasbert("data", "check", reviews_file, tmp_path / "missing.jsonl")
    assert result.exit_code == 2
    assert "missing.jsonl: cannot be read" in result.stdout + result.stderr


def test_labels_that_training_does_not_know_end_with_status_two(kerasbert, reviews_file, write):
    other = write("other.jsonl", [row("a", "positive"), row("b", "neutral")])
    result = kerasbert("data", "check", reviews_file, other)
    assert result.exit_code == 2
    assert "'neutral' (1 rows)" in result.stdout


def test_the_configuration_names_columns_and_task(kerasbert, config_file, write):
    path = write("data.csv", ["body,class", "好,positive", "坏,negative", "好好,positive", "坏坏,negative"])
    config = config_file("task: sentiment", "data: {text_column: body, label_column: class}")
    assert kerasbert("data", "check", path).exit_code == 2
    result = kerasbert("data", "check", path, "--config", config)
    assert result.exit_code == 0, result.output
    assert "4 rows" in result.stdout


def test_a_wrong_configuration_is_refused(refused, config_file, reviews_file):
    line = refused("data", "check", reviews_file, "--config", config_file("data: {text_colum: body}"))
    assert "Did you mean data.text_column?" in line


@pytest.mark.parametrize("label", ["[/b]", "[red]", "[bold]x", "a:smile:b", "\\["])
def test_labels_and_paths_are_shown_as_they_are(kerasbert, write, label):
    path = write("rows [v] [/v].jsonl", [row("a", label), row("b", "x"), row("c", label), row("d", "x")])
    result = kerasbert("data", "check", path)
    assert result.exit_code == 0, result.output
    assert label in result.stdout
    assert "rows [v] [/v].jsonl: 4 rows" in result.stdout


def test_columns_and_encoding_are_named_as_the_messages_say(kerasbert, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes("review,class\n房间干净,好\n早餐太少,坏\n服务热情,好\n".encode("gb18030"))
    result = kerasbert("data", "check", path)
    assert result.exit_code == 2
    assert "It reads as gb18030. Add --encoding gb18030." in result.stdout
    result = kerasbert("data", "check", path, "--encoding", "gb18030")
    assert "Add --text-column review and --label-column class." in result.stdout
    options = ("--encoding", "gb18030", "--text-column", "review", "--label-column", "class")
    assert "3 rows" in kerasbert("data", "check", path, *options).stdout


def test_what_a_training_with_this_configuration_would_refuse_ends_with_status_two(
    kerasbert, config_file, reviews_file
):
    settings = (
        "training: {class_weights: {positive: 2.0}}",
        "training: {max_length: 600}\nbackbone: {max_positions: 512}",
    )
    for lines, key in zip(settings, ("training.class_weights", "training.max_length"), strict=True):
        result = kerasbert("data", "check", reviews_file, "--config", config_file(lines))
        assert result.exit_code == 2
        assert key in result.stdout + result.stderr


def test_each_row_is_tokenised_once(kerasbert, reviews_file, reviews, monkeypatch):
    counts, tokenize = [], TextGraph.tokenize

    def counted(graph, texts):
        counts.append(len(texts))
        return tokenize(graph, texts)

    monkeypatch.setattr(TextGraph, "tokenize", counted)
    assert kerasbert("data", "check", reviews_file).exit_code == 0
    assert sum(counts) == len(reviews)


def test_what_only_the_split_shows_is_said(kerasbert, write):
    path = write("data.jsonl", [*(row(f"第{i}条", "ab"[i % 2]) for i in range(40)), row("一", "rare")])
    result = kerasbert("data", "check", path)
    assert result.exit_code == 0
    assert "validation rows: no row has the label(s) rare." in result.stdout


def test_standard_input_is_refused_where_rows_are_read_again(refused, config_file):
    message = "standard input: can be read only once, which is not enough here. Use a file."
    assert message in refused("data", "check", "-", stdin=b"text,label\nx,1\n")
    assert message in refused("train", config_file("data: {train: '-'}"), stdin=b"text,label\nx,1\n")


def test_control_characters_in_labels_are_refused_and_spelt_out(kerasbert, write):
    lines = [row(f"{label}{n}", label) for n in range(20) for label in ("a\x1b[31m", "b")]
    result = kerasbert("data", "check", write("data.jsonl", lines))
    assert result.exit_code == 2
    assert "must not contain a line break, a tab or another control character" in result.stdout
    assert "\x1b" not in result.stdout
    assert "a\\x1b[31m" in result.stdout


def test_an_output_that_cannot_show_a_character_spells_it(reviews_file, tmp_path, monkeypatch):
    path = shutil.copy(reviews_file, tmp_path / "评论.jsonl")
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    with pytest.raises(SystemExit) as end:
        main(["data", "check", str(path)])
    shown.flush()
    assert end.value.code == 0
    assert b"\\u8bc4\\u8bba.jsonl: 80 rows" in shown.buffer.getvalue()


def test_a_closed_output_is_an_error_in_one_line(reviews_file, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as end:
        main(["data", "check", str(reviews_file)])
    assert end.value.code == 1
    with contextlib.suppress(OSError):
        sys.stdout.close()
    assert "the output cannot be written" in capfd.readouterr().err

import io
import itertools
import json
import os
import stat
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kerasbert.data import Columns, Row, read_rows
from kerasbert.errors import DataError, UserError
from kerasbert.predictors.stream import argument_rows, write_answers

TEXTS = Columns(label=None)
PAIRS = Columns(label=None, pair="pair")


class AnyAnswer(dict):
    def __missing__(self, key):
        return [0.25, 0.75]


@pytest.fixture(scope="session")
def model(chosen_model):
    return chosen_model(["负面", "b\tc"], AnyAnswer({"bad": [0.9, 0.1]}))


@pytest.fixture
def stdin(monkeypatch):
    def put(content: bytes, terminal: bool = False) -> None:
        replacement = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(replacement, "isatty", lambda: terminal, raising=False)
        monkeypatch.setattr(sys, "stdin", replacement)

    put(b"")
    return put


def rows(*texts: str) -> list[Row]:
    return [Row(text, (), None, "f", 1) for text in texts]


def written(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_an_argument_is_a_text_or_a_pair():
    assert [row.text for row in argument_rows(["a\tb", "好"], TEXTS)] == ["a\tb", "好"]
    assert [row.pair for row in argument_rows(["a\tb"], PAIRS)] == ["b"]


def test_an_argument_that_is_not_utf_8_is_refused():
    with pytest.raises(DataError, match="argument:2: is not UTF-8"):
        list(argument_rows(["好", os.fsdecode(b"a\xff")], TEXTS))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
@example(["\r", "\n", "\u2028", "\0", ""])
def test_there_is_one_line_for_each_row_in_order(model, tmp_path_factory, texts):
    directory = tmp_path_factory.mktemp("answers")
    write_answers(model, rows(*texts), str(directory / "a.jsonl"), "jsonl")
    assert [record["text"] for record in written(directory / "a.jsonl")] == texts
    write_answers(model, rows(*texts), str(directory / "a.tsv"), "tsv")
    lines = (directory / "a.tsv").read_bytes().decode().split("\n")[:-1]
    assert len(lines) == len(texts) + 1
    assert all(line.count("\t") == 2 for line in lines)


def test_tsv_has_text_label_and_score(model, tmp_path):
    write_answers(model, rows("bad", " a\tb\r\nc"), str(tmp_path / "a"), "tsv")
    assert (tmp_path / "a").read_text(encoding="utf-8").split("\n") == [
        "text\tlabel\tscore",
        "bad\t负面\t0.9",
        " a b c\tb c\t0.75",
        "",
    ]


def test_answers_for_stdout_go_there(model, stdin, capfdbinary):
    write_answers(model, rows("bad", "好"), "-", "jsonl")
    records = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [(r["text"], r["label"]) for r in records] == [("bad", "负面"), ("好", "b\tc")]


def test_rows_before_a_bad_one_are_answered_on_stdout(model, stdin, capfdbinary):
    def breaks():
        yield from rows("bad", "好")
        raise DataError("line 3 is bad")

    with pytest.raises(DataError, match="line 3 is bad"):
        write_answers(model, breaks(), "-")
    assert len(capfdbinary.readouterr().out.splitlines()) == 2


def test_a_failure_leaves_the_old_file_and_no_other(model, tmp_path, stdin):
    def breaks():
        yield from rows("a", "b")
        raise DataError("line 3 is bad")

    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(DataError, match="line 3 is bad"):
        write_answers(model, breaks(), str(path), "jsonl")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("output", ["missing/out", "file/out", "folder", "."])
def test_an_output_that_cannot_be_written_is_named(model, tmp_path, monkeypatch, stdin, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        write_answers(model, rows("a"), output, "jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_output_that_is_no_file_stays_what_it_is(model, tmp_path, stdin):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_answers(model, rows("bad"), str(pipe), "jsonl")
        assert stat.S_ISFIFO(pipe.stat().st_mode), "the pipe was replaced; /dev/null would be too"
        assert json.loads(os.read(reader, 1000))["text"] == "bad"
    finally:
        os.close(reader)


def test_on_a_terminal_each_line_is_answered_before_the_next(model, stdin, capfdbinary):
    stdin(b"", terminal=True)
    answered = []

    def typed():
        for row in rows("one", "two"):
            yield row
            answered.append(capfdbinary.readouterr().out)

    write_answers(model, typed(), "-", "jsonl")
    assert [json.loads(out)["text"] for out in answered] == ["one", "two"]


def test_answers_come_while_an_endless_input_is_read(model, stdin, capfdbinary):
    class EnoughError(Exception):
        pass

    def endless():
        for number in itertools.count():
            if number > 5000:
                raise EnoughError
            yield from rows(str(number))

    with pytest.raises(EnoughError):
        write_answers(model, endless(), "-", "jsonl")
    assert len(capfdbinary.readouterr().out.splitlines()) >= 4000


def test_it_works_without_a_stdin(model, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # as in `kerasbert predict MODEL TEXT <&-`
    write_answers(model, rows("bad"), str(tmp_path / "out"), "jsonl")
    assert written(tmp_path / "out")[0]["label"] == "负面"


def test_half_a_surrogate_pair_in_json_is_answered(trained, tmp_path, stdin):
    (tmp_path / "in.jsonl").write_text('{"text": "a\\ud800"}\n{"text": "好"}\n', encoding="utf-8")
    found = read_rows(tmp_path / "in.jsonl", TEXTS)
    write_answers(trained.model, found, str(tmp_path / "out"), "jsonl")
    assert [record["text"][0] for record in written(tmp_path / "out")] == ["a", "好"]

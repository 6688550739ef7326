import json
from pathlib import Path

import pytest

from kerasbert.data import Columns, Row, Rows, labels_of, load_rows, read_valid_rows
from kerasbert.data.load import why_unusable, write_left_out
from kerasbert.errors import DataError


def row(text: str = "x", labels: tuple[str, ...] = ("a",), pair: str | None = None, line: int = 1) -> Row:
    return Row(text, labels, pair, "f.csv", line)


@pytest.fixture
def two_files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "1.csv", tmp_path / "2.tsv"]
    paths[0].write_text("text,label\n好,1\n ,1\n坏,\n", encoding="utf-8")
    paths[1].write_text("text\tlabel\n\t0\n　\t\n差\t0\n", encoding="utf-8")
    return paths


def test_rows_without_text_or_label_are_left_out_with_the_reason(two_files: list[Path]):
    rows = load_rows(two_files, Columns())
    assert rows.texts == ["好", "差"]
    assert len(rows) == 2
    assert [(Path(r.file).name, r.line, reason) for r, reason in rows.left_out] == [
        ("1.csv", 3, "empty text"),
        ("1.csv", 4, "empty label"),
        ("2.tsv", 2, "empty text"),
        ("2.tsv", 3, "empty text"),
    ]


def test_what_is_left_out_can_be_written_down(two_files: list[Path], tmp_path: Path):
    rows = load_rows(two_files, Columns())
    write_left_out(tmp_path / "left_out.jsonl", rows.left_out)
    written = [
        json.loads(line) for line in (tmp_path / "left_out.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert written == [
        {"file": r.file, "line": r.line, "reason": reason, "text": r.text} for r, reason in rows.left_out
    ]


@pytest.mark.parametrize(
    ("candidate", "columns", "reason"),
    [
        (row(" \u3000\n"), Columns(), "empty text"),
        (row("", pair="y"), Columns(pair="p"), None),
        (row("x", pair=""), Columns(pair="p"), None),
        (row(" ", pair=" "), Columns(pair="p"), "empty text"),
        (row(labels=()), Columns(), "empty label"),
        (row(labels=()), Columns(label=None), None),
        (row(labels=()), Columns(label_separator="|"), None),
    ],
)
def test_what_can_be_learned_from(candidate: Row, columns: Columns, reason: str | None):
    assert why_unusable(candidate, columns) == reason


def test_counts_are_per_label_and_the_most_frequent_comes_first():
    rows = Rows(
        [row(labels=("a",)), row(labels=("b", "a")), row(labels=()), row(labels=("b",)), row(labels=("a",))]
    )
    assert list(rows.label_counts.items()) == [("a", 3), ("b", 2)]
    assert rows.labels == [("a",), ("b", "a"), (), ("b",), ("a",)]


def test_pairs_are_there_for_all_rows_or_for_none():
    assert Rows([row(), row()]).pairs is None
    assert Rows([row(pair="y"), row(pair="")]).pairs == ["y", ""]
    assert Rows().pairs is None


def test_labels_are_those_found_in_sorted_order_or_those_given():
    rows = Rows([row(labels=("b",)), row(labels=("a",)), row(labels=("b",))])
    assert labels_of(rows, ()) == ("a", "b")
    assert labels_of(rows, ["z", "b", "a"]) == ("z", "b", "a")


@pytest.mark.parametrize(
    ("found", "ordered"),
    [
        (["10", "9", "0", "1"], ["0", "1", "9", "10"]),
        (["1", "-1", "0", "-10"], ["-10", "-1", "0", "1"]),
        (["10.0", "2.0"], ["2.0", "10.0"]),
        (["10", "9", "other"], ["10", "9", "other"]),
        (["10", "9.5"], ["10", "9.5"]),
        (["9" * 5000, "10"], ["10", "9" * 5000]),
        (["²", "10"], ["10", "²"]),
    ],
    ids=str,
)
def test_labels_that_are_whole_numbers_are_in_their_order(found: list[str], ordered: list[str]):
    rows = Rows([row(labels=(label,)) for label in found])
    assert list(labels_of(rows, ())) == ordered


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        (("a", "b", "a"), "data.labels: name each label once. Received twice: 'a'"),
        (("a", " "), "must not be empty"),
    ],
)
def test_labels_that_are_given_must_be_distinct(fixed: tuple[str, ...], message: str):
    with pytest.raises(DataError, match=message):
        labels_of(Rows([row(labels=("a",)), row(labels=("b",))]), fixed)


@pytest.mark.parametrize("fixed", [(), ("a", "b")])
@pytest.mark.parametrize("labels", [[], [("a",)], [("a",), ("a",)]])
def test_fewer_than_two_labels_are_an_error(labels: list, fixed: tuple[str, ...]):
    with pytest.raises(DataError, match="at least two labels"):
        labels_of(Rows([row(labels=found) for found in labels]), fixed)


def test_an_unknown_label_is_named_with_file_and_line(tmp_path: Path):
    path = tmp_path / "v.csv"
    path.write_text("text,label\nx,a\n\ny,c\nz,d\n", encoding="utf-8")
    with pytest.raises(DataError) as raised:
        read_valid_rows([path], Columns(), ["a", "b"])
    assert str(raised.value).startswith(f"{path}:4: unknown label 'c'. Known: a, b.")


def test_a_near_equal_label_is_suggested(tmp_path: Path):
    path = tmp_path / "v.csv"
    path.write_text("text,label\nx,正面。\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"unknown label '正面。'\. Did you mean '正面'\? Known: 正面, 负面\."
    ):
        read_valid_rows([path], Columns(), ["正面", "负面"])


def test_known_labels_pass_and_unusable_rows_are_counted(two_files: list[Path]):
    rows = read_valid_rows(two_files, Columns(), ["0", "1"])
    assert (rows.texts, len(rows.left_out)) == (["好", "差"], 4)


def test_files_without_a_usable_row_are_an_error(tmp_path: Path):
    path = tmp_path / "v.csv"
    path.write_text("text,label\n,a\nx,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"v\.csv: holds no usable row"):
        read_valid_rows([path], Columns(), ["a"])


def test_a_label_named_twice_counts_once(tmp_path: Path):
    path = tmp_path / "v.csv"
    path.write_text("text,label\nx,a|a|b\n", encoding="utf-8")
    rows = load_rows([path], Columns(label_separator="|"))
    assert rows.label_counts == {"a": 1, "b": 1}

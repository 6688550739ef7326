import functools
import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tokenizers import BertWordPieceTokenizer

from kerasbert.data import CheckReport, Columns, Rows, check_files, load_rows, print_report
from kerasbert.data.check import MAX_LENGTHS, PERCENTILES
from kerasbert.data.row_checks import check_training_rows
from kerasbert.language import speaking
from kerasbert.text import SPECIAL_TOKENS, TextGraph, WordPieceVocabulary

TOKENS = [*SPECIAL_TOKENS, *"今天气很好坏的酒店，。", "a", "##b"]


@functools.cache
def text_graph() -> TextGraph:
    return TextGraph(WordPieceVocabulary(TOKENS), max_length=16)


def check(paths: list[Path], labels: tuple[str, ...] = (), **columns) -> CheckReport:
    return check_files(paths, Columns(**columns), labels, lambda rows: text_graph())


@pytest.fixture
def write(tmp_path: Path):
    def write_file(
        name: str, rows: list[tuple], header: str = "text\tlabel", encoding: str = "utf-8"
    ) -> Path:
        path = tmp_path / name
        lines = [header, *("\t".join(map(str, row)) for row in rows)]
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    return write_file


CLEAN = [("今天很好", "1"), ("酒店很坏", "0"), ("很好的酒店", "1"), ("天气坏", "0")]


def only(messages: list[str], word: str) -> str:
    (message,) = [m for m in messages if word in m]
    return message


def test_a_clean_file_gives_neither_errors_nor_warnings(write):
    path = write("a.tsv", CLEAN)
    report = check([path])
    assert (report.errors, report.warnings) == ([], [])
    (file,) = report.files
    assert (file.path, file.rows, file.label_counts, file.left_out) == (str(path), 4, {"1": 2, "0": 2}, {})


def lengths_by_library(texts: list[str]) -> tuple[np.ndarray, float]:
    tokenizer = BertWordPieceTokenizer({t: i for i, t in enumerate(TOKENS)})
    rows = [row.ids for row in tokenizer.encode_batch(texts)]
    words = [i for row in rows for i in row[1:-1]]
    return np.array([len(row) for row in rows]), words.count(1) / len(words)


@pytest.fixture
def mixed_texts() -> list[str]:
    random = np.random.default_rng(0)
    letters = list("今天气很好坏的酒店，。ab 龙")
    return ["".join(random.choice(letters, n)) + "好" for n in random.geometric(0.01, 300)]


def test_lengths_equal_those_of_tokenizers_and_numpy(mixed_texts: list[str], write):
    (file,) = check([write("a.tsv", [(t, i % 2) for i, t in enumerate(mixed_texts)])]).files
    lengths, _ = lengths_by_library(mixed_texts)
    assert file.token_percentiles == {p: np.percentile(lengths, p, method="higher") for p in PERCENTILES}
    assert file.token_percentiles[100] == lengths.max()
    for p, value in file.token_percentiles.items():
        assert (lengths <= value).mean() >= p / 100
    assert file.truncated == {n: pytest.approx((lengths > n).mean()) for n in MAX_LENGTHS}
    assert 0 < file.truncated[128] < file.truncated[32] < 1


def test_the_unk_rate_is_that_of_the_words_without_special_tokens(mixed_texts: list[str], write):
    (file,) = check([write("a.tsv", [(t, i % 2) for i, t in enumerate(mixed_texts)])]).files
    _, unk_rate = lengths_by_library(mixed_texts)
    assert 0 < unk_rate < 0.2
    assert file.unk_rate == pytest.approx(unk_rate)


def test_a_length_that_just_fits_is_not_truncated(write):
    report = check([write("a.tsv", [("好" * 30, "1"), ("好" * 31, "0")])])
    assert report.files[0].truncated[32] == 0.5


def test_pairs_count_with_both_texts_and_three_special_tokens(write):
    path = write("a.tsv", [("今天", "很好吗", "1"), ("天", "", "0")], "text\tother\tlabel")
    (file,) = check([path], pair="other").files
    assert file.token_percentiles[100] == 2 + 3 + 3
    assert file.token_percentiles[50] == 2 + 3 + 3
    assert file.truncated[32] == 0


# --- errors -------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_an_error_and_the_others_are_reported(write, tmp_path: Path):
    good = write("a.tsv", CLEAN)
    report = check([good, tmp_path / "none.tsv", write("b.tsv", [("x",)])])
    assert [file.path for file in report.files] == [str(good)]
    assert len(report.errors) == 2
    assert "none.tsv: cannot be read" in report.errors[0]
    assert "b.tsv:2: has 1 cells" in report.errors[1]


def test_no_readable_file_gives_errors_alone(tmp_path: Path):
    report = check([tmp_path / "none.tsv"])
    assert (len(report.errors), report.files, report.warnings) == (1, [], [])


def test_one_label_is_an_error(write):
    assert "at least two labels are needed. Received: 1" in only(
        check([write("a.tsv", [("今天", 1), ("很好", 1)])]).errors, "labels"
    )


def test_labels_that_the_training_file_lacks_are_errors(write):
    report = check(
        [write("a.tsv", CLEAN), write("b.tsv", [("今天", "2"), ("很好", "2"), ("天", "1"), ("气", "x")])]
    )
    (error,) = report.errors
    assert "b.tsv: 2 unknown label(s): '2' (2 rows), 'x' (1 rows). Known: 0, 1." in error


def test_labels_are_those_of_the_task_if_it_has_any(write):
    report = check([write("a.tsv", CLEAN)], labels=("1", "2"))
    assert "unknown label(s): '0' (2 rows). Known: 1, 2." in only(report.errors, "unknown")
    assert "no row has the label(s) 2." in only(report.warnings, "no row")


# --- warnings -----------------------------------------------------------------------------------------


def test_rows_left_out_are_counted_with_their_lines(write):
    rows = [*CLEAN, (" ", "1"), ("好", ""), ("", "0")]
    report = check([write("a.tsv", rows)])
    assert report.files[0].left_out == {"empty text": 2, "empty label": 1}
    assert "2 row(s) with empty text will be left out: line 6, 8." in only(report.warnings, "empty text")
    assert "1 row(s) with empty label will be left out: line 7." in only(report.warnings, "empty label")


def test_a_long_list_of_lines_is_cut(write):
    report = check([write("a.tsv", [*CLEAN, *[("", "1")] * 8])])
    assert "8 row(s) with empty text will be left out: line 6, 7, 8, 9, 10 and 3 more." in only(
        report.warnings, "empty text"
    )


def test_repeats_within_a_file_are_counted_exact_ones_apart(write):
    rows = [*CLEAN, ("今天很好", "1"), ("今天很好！", "1"), ("酒店 很坏", "0")]
    warning = only(check([write("a.tsv", rows)]).warnings, "duplicate an earlier")
    assert "3 row(s) duplicate an earlier one" in warning
    assert "1 of them exactly" in warning


def test_conflicting_labels_name_their_lines(write):
    rows = [*CLEAN, ("酒店很坏 ", "1"), ("今天很好。", "0")]
    warning = only(check([write("a.tsv", rows)]).warnings, "have conflicting")
    assert warning.endswith("2 text(s) have conflicting labels: line 2, 3, 6, 7.")


def test_texts_in_two_files_are_reported_for_the_later(write):
    train, dev = write("a.tsv", CLEAN), write("b.tsv", [("天气坏！", "0"), ("今天", "1"), ("今天很好", "1")])
    warning = only(check([train, dev]).warnings, "also in")
    assert warning.startswith(f"{dev}: 2 of 3 row(s) are also in {train}: line 2, 4.")


def test_a_text_is_compared_with_every_earlier_file(write):
    files = [write(name, CLEAN) for name in ("a.tsv", "b.tsv", "c.tsv")]
    warnings = [w for w in check(files).warnings if "also in" in w]
    assert len(warnings) == 3


@pytest.mark.parametrize(("counts", "warned"), [((9, 1), False), ((10, 1), True), ((50, 50), False)])
def test_imbalance_from_ten_to_one_is_reported(counts: tuple[int, int], warned: bool, write):
    rows = [(f"{label}{i}", label) for label, n in zip("xy", counts, strict=True) for i in range(n)]
    warnings = check([write("a.tsv", rows)]).warnings
    assert any("most frequent label has" in w for w in warnings) == warned


# --- encodings ----------------------------------------------------------------------------------------


def test_another_encoding_is_an_error_that_names_it(write):
    path = write("a.tsv", [("今天很好", "x"), ("plain", "y"), ("酒店很坏", "x")], encoding="gb18030")
    assert check([path]).errors == [f"{path}: is not UTF-8. It reads as gb18030. Set data.encoding: gb18030."]
    assert check([path], encoding="gb18030").errors == []


def test_text_that_was_broken_before_does_not_suggest_another_encoding(write):
    """The file is valid UTF-8; somebody read it wrongly once, and the bytes are gone for good."""
    path = write("a.tsv", [("ab\ufffd\ufffdcd", "1"), ("plain", "0")])
    assert path.read_bytes().decode("gb18030") != path.read_text(encoding="utf-8")
    warning = only(check([path]).warnings, "line 2")
    assert "left by an earlier conversion" in warning


def test_lost_characters_in_the_second_text_count_too(write):
    path = write("a.tsv", [("x", "\ufffd", "1"), ("y", "z", "0")], "text\tother\tlabel")
    assert "1 row(s) contain U+FFFD" in only(check([path], pair="other").warnings, "line 2.")


def test_the_text_graph_is_made_from_the_first_file(write):
    seen: list[Rows] = []

    def see(rows: Rows) -> TextGraph:
        seen.append(rows)
        return text_graph()

    check_files([write("a.tsv", CLEAN), write("b.tsv", CLEAN[:2])], Columns(), (), see)
    assert [len(rows) for rows in seen] == [4]


def test_real_training_data_is_checked_as_its_readme_says(shared_data: Path):
    """Figures of ../shared/data/README.md: in dev 22 rows repeat and one text has both labels."""
    graph = TextGraph(WordPieceVocabulary.load(shared_data / "vocab" / "vocab.txt"), 128)
    path = shared_data / "chnsenticorp" / "dev.tsv"
    report = check_files([path], Columns(text="text_a"), (), lambda rows: graph)
    assert report.errors == []
    assert report.files[0].label_counts == {"0": 607, "1": 593}
    assert "22 of them exactly" in only(report.warnings, "duplicate an earlier")
    assert "1 text(s) have conflicting labels" in only(report.warnings, "have conflicting")


# --- labels -------------------------------------------------------------------------------------------


def labelled(write, counts: dict[str, int]) -> Path:
    return write(
        "a.tsv",
        [(f"{place}号{i}条", label) for place, (label, n) in enumerate(counts.items()) for i in range(n)],
    )


def test_a_label_written_in_two_ways_is_named_with_what_maps_it(write):
    report = check([labelled(write, {"负面": 40, "正面": 40, "负面。": 3})])
    assert only(report.warnings, "differ only").endswith(
        'labels "负面" (40 rows) and "负面。" (3 rows) differ only in punctuation; map them with '
        'data.label_map: {"负面。": "负面"}'
    )
    assert len(report.warnings) == 1, "weights are no remedy"


def test_a_misspelt_label_is_no_case_for_weights(write):
    report = check([labelled(write, {"positive": 40, "negative": 40, "postive": 1})])
    (warning,) = report.warnings
    assert "'postive' (1 row, did you mean 'positive'?)" in warning


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ({"a": 40, "b": 40, "c": 3}, "1 label(s) have too few rows to be learned: 'c' (3 rows)."),
        ({"a": 3, "b": 3, "c": 1}, "1 label(s) have too few rows to be learned: 'c' (1 row)."),
        ({"a": 3, "b": 2}, None),
        ({"a": 40, "b": 5}, None),
    ],
)
def test_labels_with_few_rows_are_named(write, counts: dict[str, int], named: str | None):
    found = [w for w in check([labelled(write, counts)]).warnings if "too few rows" in w]
    assert [w.partition(": ")[2] for w in found] == ([named] if named else [])


def test_labels_that_look_like_several_point_to_the_task_for_them(write):
    (warning,) = check([labelled(write, {"房间|早餐": 2, "房间": 20, "早餐": 20})]).warnings
    assert warning.endswith(
        "1 label(s) look like several with '|' between them: '房间|早餐'. Try task: multi_label."
    )


@pytest.mark.parametrize(
    ("labels", "ending"),
    [
        (
            ["酒店,好", "书,坏", "书"],
            "no row has two labels, and 2 label(s) look like several with ',' between them: '酒店,好', "
            "'书,坏'. Try data.label_separator: \",\".",
        ),
        (["酒店", "书"], "no row has two labels. Cells are split at '|': see data.label_separator."),
        (["酒店|书", "书"], None),
    ],
)
def test_rows_of_one_label_where_there_may_be_several(write, labels: list[str], ending: str | None):
    rows = [(f"{label}第{i}条", label) for label in labels for i in range(6)]
    warnings = check([write("a.tsv", rows)], label_separator="|").warnings
    assert [w.partition(": ")[2] for w in warnings] == ([ending] if ending else [])


def test_an_unknown_label_that_is_near_equal_to_a_known_one_is_told_so(write):
    report = check([write("a.tsv", CLEAN), write("b.tsv", [("今天", "１"), ("天", "0")])])
    assert "'１' (1 rows, did you mean '1'?)" in only(report.errors, "unknown")


def test_one_label_in_a_later_file_is_said(write):
    report = check([write("a.tsv", CLEAN), write("b.tsv", [("今天", "1"), ("天", "1")])])
    assert "all 2 rows have the label '1'" in only(report.warnings, "b.tsv")


def test_rows_that_are_cut_are_counted(write):
    report = check([write("a.tsv", [*CLEAN, ("好" * 15, "1"), ("好" * 14, "0")])])
    assert "1 of 6 row(s) (16.7%) are longer than training.max_length, 16 tokens, and are truncated." in only(
        report.warnings, "are truncated"
    )


def test_a_column_that_can_hardly_be_that_of_the_labels_is_named(write):
    report = check([write("a.tsv", [(f"第{i}条", f"第{i}个") for i in range(150)])])
    assert only(report.warnings, "150 labels").endswith(
        "150 labels in 150 rows: is 'label' really the label column?"
    )


def test_keys_of_the_label_map_that_no_row_has_are_named(write):
    path = write("a.tsv", [(text, {"1": "好"}.get(label, label)) for text, label in CLEAN])
    assert check([path], label_map={"0": "坏"}).warnings == []
    (warning,) = check([path], label_map={"0": "坏", "1": "好", "好。": "佳"}).warnings
    assert warning == "data.label_map: no row has the label(s) '1', '好。' (did you mean '好'?)."


def test_lines_are_named_with_their_files_where_there_are_several(write):
    paths = [write(name, [("", "1"), ("今天", "0"), ("很好", "1")]) for name in ("a.tsv", "b.tsv")]
    rows = load_rows(paths, Columns())
    (left_out, *_) = check_training_rows("data.train", rows, ("0", "1"), Columns())
    assert left_out.endswith(f"{paths[0]}:2, {paths[1]}:2.")


@pytest.mark.parametrize("separator", [None, "|"])
def test_in_chinese_no_word_of_the_report_is_english(write, separator):
    cells = [
        *((f"今天{i}", "好") for i in range(30)),
        *((f"坏{i}", "坏评") for i in range(12)),
        ("今天0", "坏评"), ("", "好"), ("坏0", "坏评"), ("无标签", ""), ("\ufffd", "坏评"),
        *((f"酒店{i}", "坏 评") for i in range(6)),
        ("酒店" * 20, "好评好"), ("气", "好评好好"), ("多", "甲,乙"), ("少", "甲,丙"),
        ("一", "甲"), ("二", "乙"),
    ]  # fmt: skip
    path, other = write("训练.tsv", cells), write("测试.tsv", [("今天1", "好"), ("今天2", "好")])
    columns = {"label_separator": separator, "label_map": {"没有": "坏评"}}
    with speaking("zh"):
        report = check([path, other], **columns)
        file = io.StringIO()
        print_report(CheckReport(report.files, [], report.warnings), Console(file=file, width=200))
    told = file.getvalue().replace(str(path.parent), "")
    settings = r"data\.[a-z_]+|training\.[a-z_]+(: balanced)?|task: multi_label|\.tsv|U\+FFFD|\[UNK\]|\bp\d+"
    assert not re.findall("[A-Za-z]+", re.sub(settings, "", told))
    assert len(report.warnings) >= 8

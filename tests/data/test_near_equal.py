import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.data.labels import quoted
from kerasbert.data.near_equal import closest, near_equal


def differences(*labels: str) -> list[tuple[str, ...]]:
    counts = {label: len(labels) - place for place, label in enumerate(labels)}
    return [found.differences for found in near_equal(counts)]


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("1", "１", "width"),
        ("ハン", "ﾊﾝ", "width"),
        ("负面", "负面。", "punctuation"),
        ("好", "“好”", "punctuation"),
        ("US", "U.S.", "punctuation"),
        ("not spam", "not-spam", "spaces punctuation"),
        ("spam", "Spam", "case"),
        ("spam", " spam", "spaces"),
        ("好 评", "好\u3000评", "width"),
        ("好评", "好评\u200b", "invisible characters"),
        ("好评", "\ufeff好评", "invisible characters"),
        ("好评", "好\ufe0f评", "invisible characters"),
        ("caf\u00e9", "cafe\u0301", "Unicode normalization (NFC, NFD)"),
        ("1", "1.0", "how the number is written"),
        ("1", "01", "how the number is written"),
        ("-1", "-1.0", "how the number is written"),
    ],
)
def test_what_a_reader_would_not_tell_apart_is_named(one: str, other: str, difference: str):
    for labels in ((one, other), (other, one)):
        (found,) = differences(*labels)
        assert " ".join(found) == difference


@pytest.mark.parametrize(
    "labels",
    [
        ("正面", "负面"),
        ("1", "-1"),
        ("1.5", "15"),
        ("18-25", "1825"),
        ("A", "A-", "A+", "A*"),
        ("C", "C++", "C#"),
        ("10", "10%"),
        ("★", "★★"),
        ("！", "？"),
        ("a😀", "a😡"),
        ("कि", "की"),
        (str(10**30), str(10**30 + 1)),
    ],
    ids=str,
)
def test_labels_that_mean_something_else_stay_apart(labels: tuple[str, ...]):
    assert differences(*labels) == []


def test_the_plainest_label_is_kept_and_else_the_most_frequent():
    (width,) = near_equal({"０": 38, "0": 26})
    (case,) = near_equal({"SPAM": 5, "spam": 9})
    assert (width.labels, case.labels) == (("0", "０"), ("spam", "SPAM"))


@given(st.lists(st.text(max_size=6), max_size=8, unique=True))
def test_each_label_is_in_one_group_at_most_and_groups_do_differ(labels: list[str]):
    groups = near_equal(dict.fromkeys(labels, 1))
    found = [label for group in groups for label in group.labels]
    assert len(found) == len(set(found))
    assert set(found) <= set(labels)
    assert all(len(group.labels) > 1 and group.differences for group in groups)


@given(st.text(min_size=1, max_size=8))
def test_width_and_case_never_make_another_label(label: str):
    other = unicodedata.normalize("NFKC", label).upper()
    if other != label and unicodedata.normalize("NFKC", other.casefold()) == other.casefold():
        assert closest(other, [label, "另一个标签"]) in (label, None)


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("正面。", "正面"),
        ("postive", "positive"),
        ("POSITIVE", "positive"),
        ("正向", None),
        ("负面评价", None),
    ],
)
def test_the_label_that_was_meant(label: str, meant: str | None):
    assert closest(label, ["正面", "负面", "positive", "negative", "正面评价"]) == meant


def test_what_cannot_be_seen_is_spelt_out():
    assert quoted('好\u200b"\ufeff ') == '"好\\u200b\\"\\ufeff "'

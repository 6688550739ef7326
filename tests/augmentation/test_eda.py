from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.augmentation import eda
from kerasbert.errors import DataError

SYNONYMS = {"好": ["棒", "不错"], "酒店": ["宾馆"]}
WORDS = st.lists(st.sampled_from(["好", "酒店", "的", "a", "，", " ", "!"]), max_size=20)
SHARES = st.floats(0.01, 0.9)
SEEDS = st.integers(0, 99)


def content(words: list[str]) -> list[str]:
    return [word for word in words if any(map(str.isalnum, word))]


def changes(words: list[str], share: float) -> int:
    return max(1, round(share * len(content(words))))


@given(WORDS, SHARES, SEEDS)
def test_synonyms_replace_words_that_have_one(words: list[str], share: float, seed: int):
    new = eda.replace(words, share, np.random.default_rng(seed), SYNONYMS)
    assert len(new) == len(words)
    changed = [(old, now) for old, now in zip(words, new, strict=True) if old != now]
    assert all(now in SYNONYMS[old] for old, now in changed)
    assert len(changed) == min(changes(words, share), sum(word in SYNONYMS for word in words))


@given(WORDS, SHARES, SEEDS)
def test_insertions_are_synonyms_of_the_text_s_words(words: list[str], share: float, seed: int):
    new = eda.insert(words, share, np.random.default_rng(seed), SYNONYMS)
    added = Counter(new) - Counter(words)
    possible = {synonym for word in words if word in SYNONYMS for synonym in SYNONYMS[word]}
    assert added.keys() <= possible
    assert added.total() == (changes(words, share) if possible else 0)
    rest = iter(new)
    assert all(word in rest for word in words), "the text's words stay in their order"


@given(WORDS, SHARES, SEEDS)
def test_swaps_keep_the_words_and_leave_punctuation_in_its_place(words: list[str], share: float, seed: int):
    new = eda.swap(words, share, np.random.default_rng(seed))
    assert Counter(new) == Counter(words)
    for old, now in zip(words, new, strict=True):
        assert old == now or content([old, now]) == [old, now]
    assert sum(a != b for a, b in zip(words, new, strict=True)) <= 2 * changes(words, share)


def test_one_swap_exchanges_two_words():
    new = eda.swap(list("甲乙丙丁"), 0.25, np.random.default_rng(0))
    assert sum(a != b for a, b in zip("甲乙丙丁", new, strict=True)) == 2


@given(WORDS, SHARES, SEEDS)
def test_deletions_never_leave_nothing(words: list[str], share: float, seed: int):
    new = eda.delete(words, share, np.random.default_rng(seed))
    gone = len(words) - len(new)
    assert gone == min(changes(words, share), max(len(content(words)) - 1, 0))
    assert [word for word in new if word not in content(words)] == [
        word for word in words if word not in content(words)
    ]


def test_a_thesaurus_is_groups_of_words(tmp_path):
    path = tmp_path / "synonyms.txt"
    path.write_text("好 棒 不错\n棒 棍\n孤\n\n", encoding="utf-8")
    assert eda.read_synonyms(path) == {
        "好": ["棒", "不错"], "棒": ["好", "不错", "棍"], "不错": ["好", "棒"], "棍": ["棒"],
    }  # fmt: skip


def test_of_cilin_only_synonyms_count(tmp_path):
    path = tmp_path / "cilin.txt"
    path.write_text("Aa01A01= 人 士\nAa01A02# 草木 花鸟\nAa01A03@ 人家\n", encoding="utf-8")
    assert eda.read_synonyms(path) == {"人": ["士"], "士": ["人"]}


@pytest.mark.parametrize(
    ("content_", "message"),
    [
        ("孤\n".encode(), "contains no synonyms"),
        ("好 棒".encode("gb18030"), "is not UTF-8. It reads as gb18030. Convert it"),
    ],
)
def test_what_is_no_thesaurus_is_refused(tmp_path, content_: bytes, message: str):
    path = tmp_path / "synonyms.txt"
    path.write_bytes(content_)
    with pytest.raises(DataError, match=message):
        eda.read_synonyms(path)


def test_a_missing_thesaurus_is_named(tmp_path):
    with pytest.raises(DataError, match=r"missing\.txt"):
        eda.read_synonyms(tmp_path / "missing.txt")

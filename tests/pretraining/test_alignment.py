import itertools
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.pretraining.alignment import characters, overlaps, token_characters
from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary

TEXT = st.text(st.sampled_from("天气很好abc1。,"), max_size=30)


@st.composite
def segmented(draw, texts=TEXT):
    """A text, and two of its segmentations."""
    text = draw(texts)
    return text, draw(segmentations(text)), draw(segmentations(text))


def segmentations(text: str) -> st.SearchStrategy[list[str]]:
    cuts = st.sets(st.integers(1, max(len(text) - 1, 1)))
    return cuts.map(lambda chosen: _cut(text, sorted(chosen)))


def _cut(text: str, cuts: list[int]) -> list[str]:
    bounds = [0, *(cut for cut in cuts if cut < len(text)), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(bounds)]


def spans(tokens: list[str]) -> list[range]:
    ends = np.cumsum([len(token) for token in tokens])
    return [range(end - len(token), end) for token, end in zip(tokens, ends, strict=True)]


@given(segmented())
def test_tokens_of_one_text_share_the_characters_of_both_spans(case):
    """Against the plain definition: the size of the intersection of two spans."""
    _, left, right = case
    expected = [
        [a, b, len(set(span) & set(other))]
        for a, span in enumerate(spans(left))
        for b, other in enumerate(spans(right))
        if set(span) & set(other)
    ]
    assert overlaps(left, right).tolist() == expected


@given(segmented(), st.integers(0, 8), st.integers(0, 8))
def test_truncation_of_either_side_leaves_the_rest_as_it_was(case, left_end, right_end):
    _, left, right = case
    left, right = left[: len(left) - left_end], right[: len(right) - right_end]
    left_spans, right_spans = spans(left), spans(right)
    for a, b, count in overlaps(left, right):
        assert count == len(set(left_spans[a]) & set(right_spans[b]))
    assert overlaps(left, right)[:, 2].sum() == min(len("".join(left)), len("".join(right)))


@given(segmented(st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
def test_every_character_is_shared_once_whatever_the_text(case):
    text, left, right = case
    left, right = [characters(token) for token in left], [characters(token) for token in right]
    if "".join(left) == "".join(right) == characters(text):
        assert overlaps(left, right)[:, 2].sum() == len(characters(text))


@given(segmented(), st.data())
def test_an_unknown_token_leaves_the_tokens_around_it_in_place(case, data):
    """With distinct characters, so that nothing else could be meant."""
    text = "".join(dict.fromkeys(case[0]))
    if not text:
        return
    left, right = data.draw(segmentations(text)), data.draw(segmentations(text))
    unknown = data.draw(st.integers(0, len(left) - 1))
    known = [row for row in overlaps(left, right).tolist() if row[0] != unknown]
    left[unknown] = token_characters(WordPieceVocabulary(SPECIAL_TOKENS), side=0)[1]
    assert overlaps(left, right).tolist() == known


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("ＡＢＣ", "abc"),
        ("Café", "cafe"),
        ("①", "1"),
        ("…", "..."),
        ("▁今天", "今天"),
        ("한국", "한국"),
        ("ﬁ", "fi"),
    ],
)
def test_tokenisers_agree_on_the_characters_of_a_text(written, same):
    assert characters(written) == unicodedata.normalize("NFD", same)


def test_tokens_are_known_by_their_characters():
    vocabulary = WordPieceVocabulary([*SPECIAL_TOKENS, "天", "##ing", "##", "Ａ"])
    left = token_characters(vocabulary, side=0)
    assert left[5:].tolist() == ["天", "ing", "##", "a"]
    assert not set(left[:5]) & set(token_characters(vocabulary, side=1)[:5])

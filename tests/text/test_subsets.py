"""A vocabulary cut down to the tokens of some texts, and what it needs, splits these texts as before."""

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kerasbert.text import (
    SPECIAL_TOKENS,
    SentencePieceVocabulary,
    TextGraph,
    Vocabulary,
    WordPieceVocabulary,
    model_proto,
)

LETTERS = "abc今天"
# Few, so that many splits are equally good, and far apart, so that unknown characters compete with pieces.
SCORES = st.sampled_from([-40.0, -12.5, -12.0, -4.0, -3.5, -1.0, -0.5])
PIECES = st.text(f"{LETTERS}▁", min_size=1, max_size=4)
TEXTS = st.lists(st.text(f"{LETTERS} x", max_size=12), min_size=1, max_size=6)


def unigram(scores: dict[str, float], kinds: dict[str, int] | None = None) -> SentencePieceVocabulary:
    model = model_proto.ModelProto()
    for token in SPECIAL_TOKENS:
        unknown = token == "[UNK]"
        model.pieces.add(piece=token, type=model_proto.UNKNOWN if unknown else model_proto.CONTROL)
    for piece, score in scores.items():
        model.pieces.add(piece=piece, score=score, type=(kinds or {}).get(piece, model_proto.NORMAL))
    return SentencePieceVocabulary(model.SerializeToString())


def tokens(vocabulary: Vocabulary, texts: list[str]) -> list[list[str]]:
    if isinstance(vocabulary, SentencePieceVocabulary):  # test_unigram.py compares the graph
        ids = sentencepiece.SentencePieceProcessor(model_proto=vocabulary.content).encode(texts)
    else:
        ids = TextGraph(vocabulary, 16).tokenize(tf.constant(texts)).to_list()
    return [[vocabulary.tokens[id] for id in row] for row in ids]


def cut_down(vocabulary: Vocabulary, kept: list[list[str]], more=()) -> Vocabulary:
    ids = [vocabulary.ids[token] for row in kept for token in row]
    return vocabulary.subset(np.union1d(ids, [*vocabulary.required, *more]).astype(int).tolist())


@pytest.mark.process
@settings(max_examples=500, deadline=None)
@given(
    scores=st.dictionaries(PIECES, SCORES, min_size=1, max_size=30),
    user_defined=st.sets(PIECES, max_size=2),
    texts=TEXTS,
    more=st.sets(st.integers(0, 29)),
)
def test_a_unigram_model_splits_its_texts_as_before(scores, user_defined, texts, more):
    vocabulary = unigram(scores, dict.fromkeys(user_defined & set(scores), model_proto.USER_DEFINED))
    before = tokens(vocabulary, texts)
    smaller = cut_down(vocabulary, before, [5 + index for index in more if index < len(scores)])
    assert tokens(smaller, texts) == before


def test_without_the_lowest_score_it_would_not():
    """The score of an unknown character is the lowest one less ten."""
    vocabulary = unigram({"ab": -12.0, "cd": -12.0, "bcd": -0.5, "zz": -40.0})
    assert tokens(vocabulary, ["x abcd"])[0][-2:] == ["ab", "cd"]
    kept = [vocabulary.ids[token] for token in (*SPECIAL_TOKENS, "ab", "cd", "bcd")]
    assert tokens(vocabulary.subset(kept), ["x abcd"])[0][-2:] == ["[UNK]", "bcd"]
    assert vocabulary.ids["zz"] in vocabulary.required


@pytest.mark.process
@settings(max_examples=60, deadline=None)
@given(pieces=st.sets(st.text(LETTERS, min_size=1, max_size=4), max_size=30), texts=TEXTS, data=st.data())
def test_wordpiece_splits_its_texts_as_before(pieces, texts, data):
    assume(pieces)
    inside = data.draw(st.sets(st.sampled_from(sorted(pieces))))
    vocabulary = WordPieceVocabulary(
        [*SPECIAL_TOKENS, *sorted(pieces), *(f"##{piece}" for piece in sorted(inside))]
    )
    before = tokens(vocabulary, texts)
    assert tokens(cut_down(vocabulary, before), texts) == before


@pytest.mark.parametrize("kind", [model_proto.NORMAL, model_proto.USER_DEFINED])
def test_a_model_of_special_and_user_defined_tokens_alone(kind):
    vocabulary = unigram({"ab": -1.0}, {"ab": kind})
    assert vocabulary.required.tolist() == list(range(6))

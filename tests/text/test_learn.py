import random
from collections import Counter

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.models import WordPiece

from kerasbert.text import SPECIAL_TOKENS, TextGraph, Vocabulary, WordPieceVocabulary, learn_vocabulary

CHINESE = st.sampled_from("今天气很好坏的不了手机酒店，。！")
LATIN = st.text("abcde1é", min_size=1, max_size=6)
# As TextGraph.words separates them: Chinese characters and punctuation alone.
WORDS = st.lists(CHINESE | LATIN, min_size=1, max_size=60)


def pieces(vocabulary: Vocabulary, word: str) -> list[str]:
    ids = {token: i for i, token in enumerate(vocabulary.tokens)}
    model = WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100)
    return [token.value for token in model.tokenize(word)]


@settings(deadline=None, max_examples=60)
@given(words=WORDS)
def test_every_training_word_is_known_with_min_count_1(words: list[str]):
    vocabulary = learn_vocabulary(words, size=1000, min_count=1)
    assert vocabulary.tokens[: len(SPECIAL_TOKENS)] == SPECIAL_TOKENS
    for word in set(words):
        found = pieces(vocabulary, word)
        assert "".join(piece.removeprefix("##") for piece in found) == word


@settings(deadline=None, max_examples=40)
@given(words=WORDS, seed=st.integers(0, 9), min_count=st.integers(1, 3))
def test_the_order_of_the_words_does_not_matter(words: list[str], seed: int, min_count: int):
    shuffled = random.Random(seed).sample(words, len(words))
    first = learn_vocabulary(words, 64, min_count)
    assert learn_vocabulary(shuffled, 64, min_count).tokens == first.tokens


@settings(deadline=None, max_examples=60)
@given(words=WORDS, size=st.integers(5, 40), min_count=st.integers(1, 3))
def test_the_size_is_never_exceeded(words: list[str], size: int, min_count: int):
    assert len(learn_vocabulary(words, size, min_count)) <= size


@settings(deadline=None, max_examples=60)
@given(words=WORDS, min_count=st.integers(2, 4))
def test_rarer_characters_and_pieces_than_min_count_are_left_out(words: list[str], min_count: int):
    learned = learn_vocabulary(words, 1000, min_count).tokens[len(SPECIAL_TOKENS) :]
    for token in learned:
        bare = token.removeprefix("##")
        # The learner's search for a threshold may end one below the bound it is given.
        assert sum(word.count(bare) for word in words) >= min_count - (len(bare) > 1), token


def test_a_lone_character_gets_one_token_and_one_inside_words_gets_two():
    vocabulary = learn_vocabulary(["好", "好", "ab", "ab"], 100, 1)
    assert "好" in vocabulary.tokens
    assert "##好" not in vocabulary.tokens
    assert {"a", "##b"} <= set(vocabulary.tokens)


def test_frequent_words_become_one_token():
    words = ["playing"] * 50 + ["play"] * 50 + ["the"] * 50 + list("今天很好") * 10
    vocabulary = learn_vocabulary(words, 200, 2)
    assert {"playing", "play", "the"} <= set(vocabulary.tokens)


def test_where_there_is_no_room_the_most_frequent_characters_win():
    words = [c for n, c in enumerate("今天气很好坏", start=1) for _ in range(n)]
    assert set(learn_vocabulary(words, 8, 1).tokens[5:]) == set("很好坏")


def test_no_words_give_the_special_tokens_alone():
    assert learn_vocabulary([], 100, 1).tokens == SPECIAL_TOKENS


def test_a_long_word_of_training_is_known_too():
    """Words of up to 100 characters are split into pieces, so their letters must be there."""
    word = "q" * 60 + "z"
    vocabulary = learn_vocabulary([word, "a", "ab"], 1000, 1)
    assert "[UNK]" not in pieces(vocabulary, word)


def test_a_word_too_long_to_split_stays_unknown_with_a_learned_vocabulary():
    """`TextGraph.words` marks such words; the mark must not be learned."""
    texts = tf.constant(["x" * 101 + " 好", "好 " + "y" * 200])
    marked = TextGraph(WordPieceVocabulary(SPECIAL_TOKENS), 8).words(texts)
    vocabulary = learn_vocabulary((w.decode() for w in marked.flat_values.numpy()), 100, 1)
    ids = TextGraph(vocabulary, 8).tokenize(tf.constant(["x" * 101]))
    assert ids.to_list() == [[vocabulary.unk]]


@pytest.mark.parametrize("size", [300, 1000])
def test_a_learned_vocabulary_covers_real_text(size: int, shared_data):
    lines = (shared_data / "corpus_sample.txt").read_text(encoding="utf-8").split("\n")[:1000]
    words = [
        w.decode()
        for w in TextGraph(WordPieceVocabulary(SPECIAL_TOKENS), 8)
        .words(tf.constant(lines))
        .flat_values.numpy()
    ]
    vocabulary = learn_vocabulary(words, size, 2)
    assert len(vocabulary) <= size
    ids = TextGraph(vocabulary, 8).tokenize(tf.constant(lines)).flat_values.numpy()
    known = sum(n for word, n in Counter(words).most_common(size // 2))
    assert (ids != vocabulary.unk).sum() > 0.8 * known

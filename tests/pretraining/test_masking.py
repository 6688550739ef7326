import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.config import MaskingConfig
from kerasbert.pretraining.masking import Masker
from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary

VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, "[unused1]", *map(str, range(10_000))])
FIRST = len(SPECIAL_TOKENS) + 1
LENGTH = 128


def rows(word_lengths: list[list[int]], length: int = LENGTH):
    """Rows of [CLS] words [SEP] and padding: ids and word numbers."""
    ids = np.zeros((len(word_lengths), length), np.int32)
    words = np.zeros_like(ids)
    for row, lengths in enumerate(word_lengths):
        numbers = np.repeat(np.arange(1, len(lengths) + 1), lengths)[: length - 2]
        ids[row, 0] = VOCABULARY.cls
        ids[row, 1 : len(numbers) + 1] = FIRST + np.arange(len(numbers))
        ids[row, len(numbers) + 1] = VOCABULARY.sep
        words[row, 1 : len(numbers) + 1] = numbers
    return ids, words


def mask(ids, words, seed=0, **config):
    masker = Masker(VOCABULARY, MaskingConfig(**config))
    result = masker(tf.constant(ids), tf.constant(words), tf.constant([seed, 1], tf.int64))
    return [value.numpy() for value in result]


def chosen_of(ids, positions, real) -> np.ndarray:
    chosen = np.zeros(ids.shape, bool)
    for row in range(len(ids)):
        chosen[row, positions[row][real[row] > 0]] = True
    return chosen


word_lengths = st.lists(st.lists(st.integers(1, 5), max_size=60), min_size=1, max_size=6)


@pytest.mark.process
@settings(max_examples=60, deadline=None)
@given(word_lengths, st.integers(0, 1000), st.booleans(), st.integers(1, 4), st.sampled_from([0.15, 0.4]))
def test_masks_are_sound(lengths, seed, whole_words, longest_span, fraction):
    config = {"whole_words": whole_words, "longest_span": longest_span, "fraction": fraction}
    ids, words = rows(lengths)
    masked, positions, labels, real = mask(ids, words, seed, **config)
    chosen = chosen_of(ids, positions, real)
    assert chosen.sum() == real.sum()  # no position twice
    assert not chosen[words == 0].any()
    np.testing.assert_array_equal(masked[~chosen], ids[~chosen])
    np.testing.assert_array_equal(labels[real > 0], np.take_along_axis(ids, positions, 1)[real > 0])
    assert not np.isin(masked[chosen], [VOCABULARY.pad, VOCABULARY.cls, VOCABULARY.sep, FIRST - 1]).any()
    budget = np.clip(np.round((words > 0).sum(1) * fraction), 1, None)
    assert (chosen.sum(1) <= budget).all()
    if whole_words:
        for row in range(len(ids)):
            for word in range(1, words[row].max(initial=0) + 1):
                assert len(set(chosen[row][words[row] == word])) == 1
    repeated = mask(ids, words, seed, **config)
    for first, second in zip((masked, positions, labels, real), repeated, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("lengths", [[1] * 126, [1, 2, 1, 2, 3] * 14])
def test_the_share_of_chosen_tokens_is_the_wanted_one(lengths):
    ids, words = rows([lengths] * 2000)
    *_, real = mask(ids, words)
    # Every row has room for its whole budget of round(0.15 * 126) = 19 tokens.
    assert real.sum() == 2000 * 19


def test_masked_random_and_kept_tokens_are_80_10_10():
    ids, words = rows([[1, 2] * 42] * 2000)
    masked, positions, labels, real = mask(ids, words)
    shown = np.take_along_axis(masked, positions, 1)[real > 0]
    count = len(shown)
    is_mask = shown == VOCABULARY.mask
    is_kept = shown == labels[real > 0]
    shares = {"mask": (is_mask, 0.8), "kept": (is_kept, 0.1), "random": (~is_mask & ~is_kept, 0.1)}
    for name, (observed, expected) in shares.items():
        bound = 4 * np.sqrt(expected * (1 - expected) / count) + 1e-4  # a random token may be the same
        assert abs(observed.mean() - expected) < bound, name


def test_every_place_and_every_word_is_chosen_equally_often():
    ids, words = rows([[1] * 100] * 4000)
    _, positions, _, real = mask(ids, words)
    counts = chosen_of(ids, positions, real)[:, 1:101].sum(0)
    expected = counts.sum() / 100
    assert (abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_random_tokens_are_spread_over_the_vocabulary():
    ids, words = rows([[1] * 100] * 4000)
    masked, positions, labels, real = mask(ids, words)
    shown = np.take_along_axis(masked, positions, 1)[real > 0]
    drawn = shown[(shown != VOCABULARY.mask) & (shown != labels[real > 0])]
    assert drawn.min() >= FIRST
    # Halves of the vocabulary, four standard deviations.
    low = (drawn < FIRST + 5000).mean()
    assert abs(low - 0.5) < 4 * 0.5 / np.sqrt(len(drawn))


def test_spans_of_several_words_are_masked_together():
    ids, words = rows([[1] * 120] * 500)
    runs = {}
    for longest in (1, 3):
        _, positions, _, real = mask(ids, words, longest_span=longest)
        chosen = chosen_of(ids, positions, real)
        runs[longest] = chosen.sum() / (chosen[:, 1:] & ~chosen[:, :-1]).sum()
    assert runs[3] > 1.3 * runs[1]  # longer runs of masked neighbours


def test_another_seed_gives_another_mask():
    ids, words = rows([[1] * 100] * 4)
    assert (mask(ids, words, 0)[1] != mask(ids, words, 1)[1]).any()


def test_a_row_without_words_has_nothing_to_guess():
    *_, real = mask(*rows([[]]))
    assert not real.any()


def test_there_is_room_for_the_row_with_most_masks_and_no_more():
    """However long the rows are: each place costs logits."""
    *_, real = mask(*rows([[1] * 20, [1] * 8, []]))
    assert real.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]

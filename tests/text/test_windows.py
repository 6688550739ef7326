import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.text import SPECIAL_TOKENS, Sanitizer, TextGraph, WordPieceVocabulary

WORDS = [f"w{i}" for i in range(300)]  # distinct tokens at each place: a wrong cut shows
VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, *WORDS])
FIRST = len(SPECIAL_TOKENS)


def ragged(lengths: list[int]) -> tf.RaggedTensor:
    return tf.ragged.constant([[FIRST + i for i in range(n)] for n in lengths], tf.int32, ragged_rank=1)


def graph(length: int, most: int, **settings) -> TextGraph:
    return TextGraph(VOCABULARY, length, windows=most, **settings)


def windows_of(row: np.ndarray, mask: np.ndarray, length: int) -> list[list[int]]:
    """Returns the tokens of each window without [CLS] and [SEP]."""
    found = []
    for start in range(0, len(row), length):
        real = row[start : start + length][mask[start : start + length] == 1].tolist()
        if real:
            assert (real[0], real[-1]) == (VOCABULARY.cls, VOCABULARY.sep)
            found.append([token - FIRST for token in real[1:-1]])
    return found


@pytest.mark.process
@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 200), min_size=1, max_size=6),
    length=st.integers(8, 40),
    most=st.integers(2, 9),
)
def test_windows_hold_every_token_overlap_and_are_as_few_and_as_equal_as_can_be(lengths, length, most):
    text_graph = graph(length, most)
    inputs = {name: value.numpy() for name, value in text_graph.pack(ragged(lengths)).items()}
    overlap, budget = text_graph.windows.overlap, text_graph.windows.budget
    assert not inputs["segment_ids"].any()
    assert (inputs["token_ids"][inputs["padding_mask"] == 0] == VOCABULARY.pad).all()
    for n, row, mask in zip(lengths, inputs["token_ids"], inputs["padding_mask"], strict=True):
        windows = windows_of(row, mask, length)
        read = min(n, budget)
        joined = windows[0] + [token for window in windows[1:] for token in window[overlap:]]
        assert joined == list(range(read))
        for one, following in itertools.pairwise(windows):
            assert one[len(one) - overlap :] == following[:overlap]
        assert len(windows) <= most
        assert len(windows) == 1 or (len(windows) - 1) * (length - 2 - overlap) + overlap < read
        sizes = [len(window) for window in windows]
        assert max(sizes) <= min(length - 2, min(sizes) + 1)
    expected = text_graph.windows.packed_lengths(np.array(lengths))
    np.testing.assert_array_equal(inputs["padding_mask"].sum(axis=1), expected)


@pytest.mark.process
@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(0, 200), max_size=6), length=st.integers(8, 40), most=st.integers(1, 9))
def test_values_of_places_are_summed_to_tokens(lengths, length, most):
    text_graph = graph(length, most, truncation="head_tail")
    ids = ragged(lengths)
    inputs = text_graph.pack(ids)
    sums = text_graph.of_tokens(tf.cast(inputs["token_ids"], tf.float32), ids).numpy()
    for row, kept in enumerate(text_graph.truncate(ids).to_list()):
        times = [np.sum(inputs["token_ids"][row] == token) for token in kept]
        np.testing.assert_array_equal(sums[row, : len(kept)], np.multiply(kept, times))


@pytest.mark.parametrize("truncation", ["head", "tail", "head_tail"])
def test_what_is_longer_than_all_windows_is_truncated(truncation):
    text_graph = graph(10, 3, truncation=truncation)
    row = text_graph.pack(ragged([300]))["token_ids"].numpy()[0]
    assert text_graph.windows.budget == 3 * 7 + 1
    seen = sorted(set((row[row >= FIRST] - FIRST).tolist()))
    whole = list(range(300))
    head = {"head": 22, "tail": 0, "head_tail": 6}[truncation]
    assert seen == whole[:head] + whole[300 - (22 - head) :]
    assert text_graph.kept(ragged([300, 5]))[0].numpy().tolist() == [22, 5]


def test_texts_of_one_window_are_packed_as_without_windows():
    ids = ragged([0, 3, 8])
    plain, windowed = graph(10, 1).pack(ids), graph(10, 5).pack(ids)
    for name in plain:
        np.testing.assert_array_equal(plain[name], windowed[name])


def test_no_texts_have_no_windows():
    assert graph(10, 3)([])["token_ids"].shape == (0, 8)


def sanitized(rows, mask=None, most=3) -> list[list[int]]:
    ids = tf.constant(rows, tf.int32)
    mask = tf.ones_like(ids) if mask is None else tf.constant(mask, tf.int32)
    inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": mask}
    clean = Sanitizer(graph(8, most), False, 64, 2)(inputs)
    real = clean["padding_mask"].numpy()
    return [np.flatnonzero(row).tolist() for row in real]


CLS, SEP = VOCABULARY.cls, VOCABULARY.sep


def test_windows_of_clients_pass():
    row = [CLS, 9, 9, 9, 9, 9, 9, SEP, CLS, 9, SEP]
    assert sanitized([row]) == [list(range(11))]
    inputs = graph(8, 3).pack(ragged([15, 2]))
    clean = Sanitizer(graph(8, 3), False, 64, 2)(inputs)
    for name in inputs:
        width = clean[name].shape[1]  # without columns of padding
        np.testing.assert_array_equal(clean[name], inputs[name][:, :width])
        assert not np.any(inputs["padding_mask"][:, width:])


def test_what_tensorflow_serving_pads_with_is_no_window():
    row = [CLS, 9, SEP]
    assert sanitized([row + [CLS] * 20]) == [[0, 1, 2]]
    assert sanitized([row + [CLS] * 6 + [9, 9] + [CLS] * 9]) == [[0, 1, 2, 8, 9, 10]]


def test_the_first_place_of_a_window_is_read_even_if_it_is_masked():
    mask = [1, 1, *[0] * 9, 1, 0, 0]
    assert sanitized([[CLS, *[9] * 13]], [mask]) == [[0, 1, 8, 11]]


def test_windows_beyond_the_last_are_cut_off():
    assert sanitized([[CLS, *[9] * 63]]) == [list(range(24))]
    assert sanitized([[CLS, *[9] * 99]], most=1) == [list(range(64))]

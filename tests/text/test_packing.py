"""[CLS] a [SEP] b [SEP], held to the truncation and padding of the `tokenizers` library."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary
from kerasbert.text.packing import BUCKET, pack
from kerasbert.text.truncation import truncate

# Distinct tokens at each place: a wrong cut shows.
FIRST = [f"a{i}" for i in range(60)]
SECOND = [f"b{i}" for i in range(60)]
VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, *FIRST, *SECOND])
IDS = {token: i for i, token in enumerate(VOCABULARY.tokens)}


def ragged(tokens: list[str], lengths: list[int]) -> tf.RaggedTensor:
    ids = [IDS[token] for token in tokens]
    return tf.ragged.constant([ids[:n] for n in lengths], dtype=tf.int32, ragged_rank=1)


def packed(lengths: list[int], pair_lengths: list[int] | None, max_length: int) -> dict[str, np.ndarray]:
    pair = None if pair_lengths is None else ragged(SECOND, pair_lengths)
    inputs = pack(ragged(FIRST, lengths), pair, VOCABULARY, max_length)
    assert {value.dtype for value in inputs.values()} == {tf.int32}
    return {name: value.numpy() for name, value in inputs.items()}


def library(lengths: list[int], pair_lengths: list[int] | None, max_length: int) -> dict[str, np.ndarray]:
    tokenizer = BertWordPieceTokenizer(IDS, lowercase=True)
    tokenizer.enable_truncation(max_length, strategy="longest_first")
    texts = [" ".join(FIRST[:n]) for n in lengths]
    if pair_lengths is None:
        rows = tokenizer.encode_batch(texts)
    else:
        pairs = [" ".join(SECOND[:n]) for n in pair_lengths]
        rows = tokenizer.encode_batch(list(zip(texts, pairs, strict=True)))
    longest = max(len(row.ids) for row in rows)
    width = min(-(-longest // BUCKET) * BUCKET, max_length)
    for row in rows:
        row.pad(width, pad_id=VOCABULARY.pad, pad_type_id=0, pad_token="[PAD]")
    return {
        "token_ids": np.array([row.ids for row in rows]),
        "segment_ids": np.array([row.type_ids for row in rows]),
        "padding_mask": np.array([row.attention_mask for row in rows]),
    }


def assert_equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("max_length", range(8, 19))
def test_all_short_pairs_equal_tokenizers(max_length: int):
    lengths, pair_lengths = (list(grid.flat) for grid in np.mgrid[0:20, 0:20])
    assert_equal(packed(lengths, pair_lengths, max_length), library(lengths, pair_lengths, max_length))


@settings(deadline=None, max_examples=40)
@given(lengths=st.lists(st.integers(0, 60), min_size=1, max_size=8), max_length=st.integers(8, 70))
def test_single_texts_equal_tokenizers(lengths: list[int], max_length: int):
    assert_equal(packed(lengths, None, max_length), library(lengths, None, max_length))


@pytest.mark.process
@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=8),
    max_length=st.integers(8, 130),
)
def test_pairs_equal_tokenizers(rows: list[tuple[int, int]], max_length: int):
    lengths, pair_lengths = map(list, zip(*rows, strict=True))
    assert_equal(packed(lengths, pair_lengths, max_length), library(lengths, pair_lengths, max_length))


@pytest.mark.parametrize(
    ("longest", "max_length", "width"),
    [(0, 16, 8), (6, 16, 8), (7, 16, 16), (14, 16, 16), (50, 16, 16), (9, 12, 12), (6, 12, 8), (50, 61, 52)],
)
def test_width_is_a_multiple_of_8_and_at_most_max_length(longest: int, max_length: int, width: int):
    if longest + 2 <= max_length:
        width = min(-(-(longest + 2) // 8) * 8, max_length)
    assert packed([0, longest], None, max_length)["token_ids"].shape == (2, width)


@pytest.mark.parametrize("paired", [False, True], ids=["single", "pair"])
def test_an_empty_batch_has_no_rows_and_some_width(paired: bool):
    function = tf.function(lambda a, b: pack(a, b if paired else None, VOCABULARY, 32))
    empty = tf.RaggedTensor.from_row_lengths(tf.constant([], tf.int32), tf.constant([], tf.int64))
    for value in function(empty, empty).values():
        assert value.shape == (0, 8)


def test_mask_and_segments_follow_from_the_tokens():
    inputs = packed([3, 40], [0, 40], 24)
    mask = inputs["padding_mask"]
    np.testing.assert_array_equal(mask, inputs["token_ids"] != VOCABULARY.pad)
    assert (inputs["segment_ids"] <= mask).all()
    assert inputs["segment_ids"].sum(axis=1).tolist() == [1, 12]


def test_special_tokens_may_stand_anywhere_in_the_vocabulary():
    vocabulary = WordPieceVocabulary(["x", "[SEP]", "[MASK]", "[UNK]", "[CLS]", "[PAD]"])
    inputs = pack(tf.ragged.constant([[0, 0]], dtype=tf.int32), None, vocabulary, 8)
    assert inputs["token_ids"].numpy().tolist() == [[4, 0, 0, 1, 5, 5, 5, 5]]


def cut(tokens: list[str], budget: int, truncation: str) -> list[str]:
    """The plain rule."""
    if len(tokens) <= budget:
        return tokens
    head = {"head": budget, "tail": 0, "head_tail": math.ceil(budget / 4)}[truncation]
    return tokens[:head] + tokens[len(tokens) - (budget - head) :]


@pytest.mark.process
@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    max_length=st.integers(8, 70),
    truncation=st.sampled_from(["head", "tail", "head_tail"]),
)
def test_truncation_is_the_plain_rule(lengths, max_length, truncation):
    ours = pack(ragged(FIRST, lengths), None, VOCABULARY, max_length, truncation)
    for row, n in enumerate(lengths):
        expected = ["[CLS]", *cut(FIRST[:n], max_length - 2, truncation), "[SEP]"]
        real = int(tf.reduce_sum(ours["padding_mask"][row]))
        assert [VOCABULARY.tokens[i] for i in ours["token_ids"][row][:real]] == expected


@pytest.mark.slow
@pytest.mark.process
@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4),
    max_length=st.integers(8, 70),
    truncation=st.sampled_from(["tail", "head_tail"]),
)
def test_each_text_of_a_pair_is_truncated_to_the_length_that_head_gives_it(lengths, max_length, truncation):
    firsts, seconds = (list(column) for column in zip(*lengths, strict=True))
    at_head = packed(firsts, seconds, max_length)
    ours = pack(ragged(FIRST, firsts), ragged(SECOND, seconds), VOCABULARY, max_length, truncation)
    for name in ("segment_ids", "padding_mask"):
        np.testing.assert_array_equal(ours[name], at_head[name])
    for row, (n, m) in enumerate(lengths):
        second = at_head["segment_ids"][row].sum() - 1
        first = at_head["padding_mask"][row].sum() - second - 3
        texts = cut(FIRST[:n], first, truncation), cut(SECOND[:m], second, truncation)
        expected = ["[CLS]", *texts[0], "[SEP]", *texts[1], "[SEP]"]
        assert [VOCABULARY.tokens[i] for i in ours["token_ids"][row][: len(expected)]] == expected


def test_head_and_tail_of_bert_are_those_of_the_paper():
    ids = tf.RaggedTensor.from_tensor(tf.range(600)[None])
    (row,) = truncate(ids, 510, "head_tail").to_list()
    assert row == [*range(128), *range(600 - 382, 600)]

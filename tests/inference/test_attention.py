from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.inference.attention import (
    LARGE,
    SMALL,
    AttentionBySize,
    _attention_by_length,
    _attention_large,
)
from kerasbert.models.packing import Packing
from kerasbert.models.transformer import self_attention

HEADS, WIDTH = 2, 4


def tokens_of(packing: Packing, dtype: str = "float32") -> tf.Tensor:
    shape = [packing.rows.shape[0], 3 * HEADS * WIDTH]
    return tf.cast(np.random.default_rng(0).normal(size=shape), dtype)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-5), ("bfloat16", 2e-2)])
@pytest.mark.parametrize(
    ("batch", "length", "small", "large"),
    [(0, 9, True, False), (1, 9, True, False), (3, 60, False, False), (20, 300, False, True)],
)
@pytest.mark.parametrize("first_only", [False, True])
def test_all_work_has_the_same_result(batch, length, small, large, first_only, dtype, error):
    lengths = np.random.default_rng(1).integers(0, length // 3 + 1, batch)
    lengths[:1] = length
    packing = Packing(tf.constant(np.arange(length) < lengths[:, None], tf.int32), HEADS, tf.as_dtype(dtype))
    x, attention = tokens_of(packing, dtype), AttentionBySize(packing)
    assert (bool(attention.small), bool(attention.large)) == (small, large)
    found = tf.function(partial(attention, packing=packing, first_only=first_only))(x)
    expected = self_attention(x, packing, first_only)
    np.testing.assert_allclose(
        tf.cast(found, tf.float32), tf.cast(expected, tf.float32), atol=error, rtol=error
    )


MASKS = st.lists(st.lists(st.booleans(), min_size=11, max_size=11), max_size=6)


@settings(deadline=None, max_examples=40)
@given(MASKS, st.integers(min_value=1, max_value=11))
def test_rows_grouped_by_length_take_what_they_take_together(rows: list[list[bool]], length: int):
    mask = tf.constant(np.array(rows, np.int32).reshape(-1, 11)[:, :length])  # with gaps and empty rows
    packing = Packing(mask, HEADS)
    x, expected = tokens_of(packing), self_attention(tokens_of(packing), packing)
    lengths = tf.reduce_max(mask * (tf.range(length) + 1), axis=1)
    np.testing.assert_allclose(_attention_by_length(x, mask, lengths, HEADS), expected, atol=1e-5)
    np.testing.assert_allclose(_attention_large(x, packing.bias, HEADS), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("batch", "length", "heads"),
    [(1, 64, 2), (1, 65, 2), (2, 32, 4), (3, 32, 4), (0, 0, 1), (4, 512, 1), (5, 512, 1)],
)
def test_small_and_large_are_numbers_of_scores(batch, length, heads):
    attention = AttentionBySize(Packing(tf.ones([batch, length], tf.int32), heads))
    scores = batch * heads * length**2
    assert (bool(attention.small), bool(attention.large)) == (scores <= SMALL, scores > LARGE)


def test_a_number_beyond_int32_is_large():
    attention = AttentionBySize(Packing(tf.ones([2048, 512], tf.int32), 12))
    assert attention.large
    assert not attention.small

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.data import Plan
from kerasbert.data.fixed_shapes import fixed_shapes, with_shape
from kerasbert.data.plan import FILLER


@given(st.lists(st.integers(2, 37), min_size=1, max_size=200), st.integers(1, 9), st.integers(0, 2))
def test_every_batch_fits_its_shape_and_there_are_four_at_most(lengths: list[int], size: int, epoch: int):
    of_rows = np.array(lengths)
    plan = Plan(of_rows, size).epoch(epoch)
    shapes = fixed_shapes(plan, of_rows, 37)
    assert shapes.shape == (len(plan), 2)
    assert len(np.unique(shapes, axis=0)) <= 4
    for index, (length, tokens) in zip(plan, shapes, strict=True):
        batch = of_rows[np.where(index == FILLER, 0, index)]
        assert batch.max() <= length <= 37
        assert length % 8 == 0 or length == 37
        assert batch.sum() <= tokens
        assert tokens % 8 == 0


def test_a_few_long_rows_do_not_make_the_others_long():
    lengths = np.array([500] * 16 + [20] * 1600)
    plan = np.arange(1616).reshape(-1, 16)
    shapes = fixed_shapes(plan, lengths, 512)
    assert shapes[0].tolist() == [504, 8000]
    np.testing.assert_array_equal(shapes[1:], np.tile([24, 320], (100, 1)))


def test_batches_of_two_lengths_need_two_shapes():
    plan = np.arange(8).reshape(4, 2)
    shapes = fixed_shapes(plan, np.array([8, 8, 16, 16, 8, 8, 16, 16]), 16)
    assert shapes.tolist() == [[8, 16], [16, 32], [8, 16], [16, 32]]


@pytest.mark.parametrize("tokens", [7, 8, 15, 24])
def test_real_tokens_come_first_and_padding_after_them(tokens: int):
    ids = tf.constant([[2, 5, 3, 0], [2, 5, 6, 3]])
    mask = tf.cast(ids != 0, tf.int32)
    inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": mask}
    given = with_shape(inputs, tf.constant(6), tf.constant(tokens), pad=9)
    np.testing.assert_array_equal(given["token_ids"], [[2, 5, 3, 0, 9, 9], [2, 5, 6, 3, 9, 9]])
    np.testing.assert_array_equal(given["padding_mask"], [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0]])
    places = given["places"].numpy()
    assert places.dtype == np.int32
    assert places.tolist() == [0, 1, 2, 6, 7, 8, 9, 3, 4, 5, 10, 11][:tokens]

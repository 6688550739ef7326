import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kerasbert.native.exchange import decode, encode

shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
numbers = st.sampled_from(["float32", "float64", "int32", "int64", "bool"]).flatmap(
    lambda dtype: arrays(dtype, shapes)
)


def there_and_back(array: np.ndarray) -> np.ndarray:
    return decode(json.loads(json.dumps(encode(array))))


@given(numbers)
def test_numbers_survive_with_type_and_shape(array):
    result = there_and_back(array)
    assert (result.dtype, result.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(result, array)


@given(arrays(object, shapes, elements=st.binary(max_size=8), fill=st.just(b"\0")))
def test_bytes_survive_with_their_shape(array):
    result = there_and_back(array)
    assert (result.dtype, result.shape) == (array.dtype, array.shape)
    assert result.tolist() == array.tolist()


@pytest.mark.parametrize("value", [b"", b"\0", b"a\0b\0", b"\xff\xfe", "很好".encode(), bytes(range(256))])
def test_hostile_bytes_survive(value):
    assert there_and_back(np.array([value], object)).tolist() == [value]


def test_the_bits_of_a_float_survive():
    array = np.array([1 / 3, np.pi, 1e-45, 3.4e38, -0.0, np.inf, -np.inf, np.nan], np.float32)
    assert there_and_back(array).tobytes() == array.tobytes()

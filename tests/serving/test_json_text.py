import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kerasbert.serving import json_answer
from kerasbert.serving.background import finish
from kerasbert.serving.errors import ServingError, invalid
from kerasbert.serving.json_reader import read_object
from kerasbert.serving.json_text import decimals, quoted, shown, to_bytes
from kerasbert.serving.settings import Settings


def parse_object(body: bytes) -> dict:
    return finish(read_object(body, Settings()))


singles = st.floats(width=32)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2, "0.2"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (9000000.0, "9e+06"),
        (0.00003, "3e-05"),
        (123456.0, "123456.0"),
        (1234567.0, "1234567.0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333343"),
        (16777216.0, "16777216.0"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_float32_is_written_as_tensorflow_serving_writes_it(value, text):
    assert decimals(np.array([value], np.float32)) == [text]


def test_float64_takes_17_digits_where_six_do_not_do():
    assert decimals(np.array([0.1, 1 / 3], np.float64)) == ["0.1", "0.33333333333333331"]


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=8), elements=singles))
def test_float32_comes_back_exactly(values):
    texts = decimals(values)
    back = np.array([float(text) for text in texts], np.float64).astype(np.float32)
    np.testing.assert_array_equal(back, values.ravel())
    assert all(any(mark in text for mark in (".", "e", "N", "I")) for text in texts)


@given(hnp.arrays(np.float64, 5, elements=st.floats()))
def test_float64_comes_back_exactly(values):
    np.testing.assert_array_equal([float(text) for text in decimals(values)], values)


@given(st.text())
def test_a_quoted_text_is_json(text):
    assert json.loads(quoted(text)) == text


@given(st.binary())
def test_any_bytes_survive_between_quotes(content):
    text = content.decode("utf-8", "surrogateescape")
    body = f'{{"x": {quoted(text)}}}'.encode("utf-8", "surrogateescape")
    assert to_bytes(parse_object(body)["x"]) == content


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(ServingError, match="surrogate pair"):
        parse_object(b'{"x": "\\ud800"}')
    assert parse_object(b'{"x": "\\uD83D\\ude00"}') == {"x": "😀"}
    assert to_bytes(parse_object(b'{"x": "\\udfff"}')["x"]) == b"\xed\xbf\xbf"


@pytest.mark.process
@pytest.mark.parametrize(
    "body", [b'{"x":' + b"[" * 100_000, b'{"x":' * 100_000, b'{"x": ' + b"9" * 9999 + b"}"]
)
def test_what_would_exhaust_the_parser_is_refused(body):
    with pytest.raises(ServingError, match="JSON Parse error"):
        parse_object(body)


@given(st.binary(max_size=60))
def test_any_body_is_an_object_or_refused(body):
    with contextlib.suppress(ServingError):
        assert isinstance(parse_object(body), dict)


def test_values_in_messages_are_short():
    error = invalid(shown(["x" * 5000]))
    assert len(error.message) < 1100
    assert error.message.endswith("...TRUNCATED")


shapes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4).filter(lambda shape: shape[0])


@given(hnp.arrays(np.float32, shapes, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_rows_and_columns_say_the_same_array(values):
    rows = json.loads(json_answer.predictions({"y": values}))["predictions"]
    columns = json.loads(json_answer.columns({"y": values}))["outputs"]
    assert rows == columns
    np.testing.assert_array_equal(np.array(rows, np.float64).astype(np.float32).reshape(values.shape), values)


@given(st.integers(1, 4), st.integers(0, 3))
def test_several_outputs_are_objects_in_rows_and_an_object_of_columns(size, width):
    outputs = {
        "ids": np.arange(size * width, dtype=np.int64).reshape(size, width),
        "ok": np.arange(size) % 2 == 0,
        "text_bytes": np.array([b"\xff"] * size, object),
    }
    columns = json.loads(json_answer.columns(outputs))["outputs"]
    rows = json.loads(json_answer.predictions(outputs))["predictions"]
    assert columns["ids"] == outputs["ids"].tolist()
    assert columns["text_bytes"] == [{"b64": "/w=="}] * size
    assert rows == [{name: column[row] for name, column in columns.items()} for row in range(size)]

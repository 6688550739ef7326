"""RapidJSON is the oracle.

`rapidjson.jsonl` holds bodies, as Latin-1, and what RapidJSON 1.1.0 made of them with TensorFlow Serving's
flags (`kParseIterativeFlag | kParseNanAndInfFlag | kParseStopWhenDoneFlag`): an error, or the value with its
numbers and strings in hexadecimal.
"""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.serving.background import finish
from kerasbert.serving.errors import ServingError
from kerasbert.serving.json_reader import read_object
from kerasbert.serving.json_text import to_bytes
from kerasbert.serving.settings import Settings

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("rapidjson.jsonl").read_text(encoding="utf-8").splitlines()
]


def spelled(value: Any) -> str:
    if value is None:
        return "n"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str):
        return f"s{to_bytes(value).hex()}"
    if isinstance(value, float):
        return "dnan" if value != value else f"d{struct.pack('<d', value).hex()}"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, list):
        return f"[{''.join(f'{spelled(item)},' for item in value)}]"
    return f"{{{''.join(f'{to_bytes(name).hex()}:{spelled(item)},' for name, item in value.items())}}}"


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_body_is_read_as_rapidjson_reads_it(case):
    body = case["body"].encode("latin-1")
    if "error" in case:
        with pytest.raises(ServingError) as caught:
            finish(read_object(body, Settings()))
        assert caught.value.message == case["error"]
    else:
        assert spelled(finish(read_object(body, Settings()))) == case["value"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=30,
)


@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_what_python_writes_is_read_as_it_was(value, ascii_only, indent):
    text = json.dumps({"x": value}, ensure_ascii=ascii_only, indent=indent)
    assert finish(read_object(text.encode(), Settings())) == {"x": value}


@given(st.lists(st.floats(allow_nan=False).map(lambda number: round(number, 6)), min_size=20))
def test_many_plain_numbers_are_read_as_single_ones_are(numbers):
    many = finish(read_object(json.dumps({"x": numbers}).encode(), Settings()))["x"]
    single = [finish(read_object(json.dumps({"x": number}).encode(), Settings()))["x"] for number in numbers]
    assert many == single

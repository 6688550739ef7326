"""The bodies of REST responses, formatted like TensorFlow Serving's."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasbert.serving.errors import ServingError, invalid
from kerasbert.serving.json_text import decimals, in_lines, in_one_line, quoted
from kerasbert.serving.tensors import dtype_of, type_name

_PAD = " " * 4


def predictions(outputs: Mapping[str, np.ndarray]) -> str:
    """Returns the response in row format: one element per row, an object if there are several outputs.

    Raises:
        ServingError: an output has no rows, or the outputs differ in their number of rows.
    """
    size = -1
    for name, array in outputs.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (-1, len(array)):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {size}")
        size = len(array)
    if len(outputs) == 1:
        name, array = next(iter(outputs.items()))
        return _results("predictions", _row_values(name, array, depth=2))
    columns = [
        [f"{quoted(name)}: {value}" for value in _row_values(name, array, depth=3)]
        for name, array in outputs.items()
    ]
    inner = f",\n{_PAD * 3}"
    rows = [f"{{\n{_PAD * 3}{inner.join(row)}\n{_PAD * 2}}}" for row in zip(*columns, strict=True)]
    return _object("predictions", in_lines(rows, [len(rows)], depth=1))


def columns(outputs: Mapping[str, np.ndarray]) -> str:
    """Returns the response in column format: an array, or an object if there are several outputs."""
    if len(outputs) == 1:
        name, array = next(iter(outputs.items()))
        return _object("outputs", in_lines(_texts(name, array, 1 + array.ndim), array.shape, depth=1))
    lines = [
        f"{quoted(name)}: {in_lines(_texts(name, array, 2 + array.ndim), array.shape, depth=2)}"
        for name, array in outputs.items()
    ]
    inner = f",\n{_PAD * 2}"
    return _object("outputs", f"{{\n{_PAD * 2}{inner.join(lines)}\n{_PAD}}}")


def classifications(result: Any) -> str:
    """Returns the response to `:classify` for a `ClassificationResult`."""
    scores = [item.score for row in result.classifications for item in row.classes]
    texts = iter(decimals(np.array(scores, np.float32)))
    return _results(
        "results",
        [
            f"[{', '.join(f'[{quoted(item.label)}, {next(texts)}]' for item in row.classes)}]"
            for row in result.classifications
        ],
    )


def regressions(result: Any) -> str:
    """Returns the response to `:regress` for a `RegressionResult`."""
    values = np.array([item.value for item in result.regressions], np.float32)
    return _object("results", in_one_line(decimals(values), values.shape)[0])


def error_body(error: ServingError) -> str:
    """Returns the response body for `error`."""
    return _object("error", quoted(error.message))


def _object(key: str, value: str) -> str:
    return f'{{\n{_PAD}"{key}": {value}\n}}'


def _results(key: str, values: list[str]) -> str:
    return _object(key, f"[{', '.join(values)}\n{_PAD}]")


def _row_values(name: str, array: np.ndarray, depth: int) -> list[str]:
    return in_one_line(_texts(name, array, depth + array.ndim - 1), array.shape[1:], len(array))


def _texts(name: str, array: np.ndarray, depth: int) -> list[str]:
    """Returns the text of each element; `depth` is the nesting depth."""
    flat = array.ravel()
    if array.dtype == object:
        if name.endswith("_bytes"):
            start, end = f"{{\n{_PAD * (depth + 1)}", f"\n{_PAD * depth}}}"
            return [f'{start}"b64": "{base64.b64encode(value).decode()}"{end}' for value in flat]
        return [quoted(value.decode("utf-8", "surrogateescape")) for value in flat]
    if array.dtype in (np.float32, np.float64):
        return decimals(array)
    if array.dtype == bool:
        return ["true" if value else "false" for value in flat]
    if array.dtype.kind in "iu" and array.dtype != np.uint16:
        return list(map(str, flat.tolist()))
    raise invalid(f"Failed to write JSON value for tensor type: {type_name(dtype_of(array))}")

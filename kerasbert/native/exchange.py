"""Encodes arrays as JSON, for the exchange with the native process."""

import base64
from typing import Any

import numpy as np


def encode(array: np.ndarray) -> dict[str, Any]:
    """Returns `array` as JSON values; bytes (object arrays) as base64."""
    flat = array.ravel()
    if array.dtype == object:
        values = [base64.b64encode(value).decode() for value in flat]
        return {"dtype": "string", "shape": array.shape, "values": values}
    return {"dtype": array.dtype.name, "shape": array.shape, "values": flat.tolist()}


def decode(record: dict[str, Any]) -> np.ndarray:
    """Returns the array that was passed to `encode`."""
    if record["dtype"] == "string":
        array = np.empty(len(record["values"]), object)
        array[:] = [base64.b64decode(value) for value in record["values"]]
    else:
        array = np.array(record["values"], record["dtype"])
    return array.reshape(record["shape"])

"""Cells of any table as JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(value: Any, indent: int | None = None) -> str:
    """Returns a value as JSON: what JSON has no type for, such as a date, as text; NaN as null.

    The text may hold lone surrogates: encode it with `errors="backslashreplace"`.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_as_text, indent=indent)
    except ValueError:  # a number that is not finite
        return json.dumps(_finite(value), ensure_ascii=False, default=_as_text, indent=indent)


def _as_text(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value

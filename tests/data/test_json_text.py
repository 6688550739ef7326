import datetime
import json
from decimal import Decimal

import pytest

from kerasbert.data.json_text import json_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "好", "b": [1, 2.5, True, None]}, {"a": "好", "b": [1, 2.5, True, None]}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        ({"day": datetime.datetime(2026, 1, 2, 3, 4)}, {"day": "2026-01-02 03:04:00"}),
        (Decimal("1.50"), "1.50"),
        ("好".encode(), "好"),
        (b"\xff", "\\xff"),
        ({"a": [float("nan"), 1.5], "b": float("inf"), "c": (2,)}, {"a": [None, 1.5], "b": None, "c": [2]}),
        ({"a": float("nan"), "day": datetime.date(2026, 1, 2)}, {"a": None, "day": "2026-01-02"}),
        ("\ud83d", "\ud83d"),
    ],
)
def test_cells_of_any_type_are_json(value, expected):
    written = json_text(value).encode(errors="backslashreplace")
    assert json.loads(written, parse_constant=pytest.fail) == expected

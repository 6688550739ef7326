"""From files to batches: reading rows, checking them, splitting, batching by length."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kerasbert.data.columns import Columns
from kerasbert.data.labels import sort_labels
from kerasbert.data.load import Rows, labels_of, load_rows, read_valid_rows
from kerasbert.data.near_duplicates import normalized
from kerasbert.data.read import Row, read_rows

if TYPE_CHECKING:
    from kerasbert.data.check import CheckReport, check_files
    from kerasbert.data.check_report import print_report
    from kerasbert.data.plan import Plan
    from kerasbert.data.split import fold_rows, split_rows

# Reading rows needs neither TensorFlow nor scikit-learn: names that do are imported when first used.
_HOMES = {
    "CheckReport": "check",
    "Plan": "plan",
    "check_files": "check",
    "fold_rows": "split",
    "print_report": "check_report",
    "split_rows": "split",
}

__all__ = [
    "CheckReport",
    "Columns",
    "Plan",
    "Row",
    "Rows",
    "check_files",
    "fold_rows",
    "labels_of",
    "load_rows",
    "normalized",
    "print_report",
    "read_rows",
    "read_valid_rows",
    "sort_labels",
    "split_rows",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kerasbert.data' has no attribute {name!r}")
    return getattr(import_module(f"kerasbert.data.{_HOMES[name]}"), name)

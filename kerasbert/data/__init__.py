"""From files to batches: reading rows, checking them, splitting, batching by length."""

from kerasbert.data.check import CheckReport, check_files
from kerasbert.data.check_report import print_report
from kerasbert.data.labels import sort_labels
from kerasbert.data.load import Rows, labels_of, load_rows, read_valid_rows
from kerasbert.data.plan import Plan
from kerasbert.data.read import Columns, Row, read_rows
from kerasbert.data.split import fold_rows, normalized, split_rows

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

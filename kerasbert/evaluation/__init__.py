"""What a trained model answers, and how well."""

from kerasbert.evaluation.evaluate import Evaluation, evaluate, evaluate_rows
from kerasbert.evaluation.report import report_training, summary, write_report

__all__ = [
    "Evaluation",
    "evaluate",
    "evaluate_rows",
    "report_training",
    "summary",
    "write_report",
]

"""Evaluates trained models and reports the results."""

from kerasbert.evaluation.comparison import Comparison
from kerasbert.evaluation.evaluate import Evaluation, evaluate, evaluate_rows
from kerasbert.evaluation.report import report_training, show_result, write_report
from kerasbert.evaluation.summary import summary, training_summary

__all__ = [
    "Comparison",
    "Evaluation",
    "evaluate",
    "evaluate_rows",
    "report_training",
    "show_result",
    "summary",
    "training_summary",
    "write_report",
]

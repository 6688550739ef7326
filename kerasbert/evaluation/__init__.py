"""What a trained model answers, and how well."""

from kerasbert.evaluation.evaluate import Evaluation, evaluate, evaluate_rows
from kerasbert.evaluation.models import Model, SavedModel, open_model
from kerasbert.evaluation.predict import predict_rows
from kerasbert.evaluation.report import report_training, summary, write_report

__all__ = [
    "Evaluation",
    "Model",
    "SavedModel",
    "evaluate",
    "evaluate_rows",
    "open_model",
    "predict_rows",
    "report_training",
    "summary",
    "write_report",
]

"""Models that classify texts, a run directory, an export or a server, and encoders that give vectors.

The package imports neither TensorFlow nor Keras: opening a run or an export does.
"""

from kerasbert.predictors.model import Model, explain_rows, predict_rows
from kerasbert.predictors.open import newest_version, open_encoder, open_for_few, open_model
from kerasbert.predictors.predict import answer_record, stack_answers
from kerasbert.predictors.text_encoder import TextEncoder

__all__ = [
    "Model",
    "TextEncoder",
    "answer_record",
    "explain_rows",
    "newest_version",
    "open_encoder",
    "open_for_few",
    "open_model",
    "predict_rows",
    "stack_answers",
]

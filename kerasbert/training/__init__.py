"""Training: from a configuration to a finished run directory."""

from kerasbert.training.describe import describe
from kerasbert.training.prepare import Prepared, check_for_training, prepare
from kerasbert.training.train import TrainResult, train

__all__ = ["Prepared", "TrainResult", "check_for_training", "describe", "prepare", "train"]

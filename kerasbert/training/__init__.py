"""Training: from a configuration to a finished run directory."""

from kerasbert.training.prepare import Prepared, prepare
from kerasbert.training.train import TrainResult, train

__all__ = ["Prepared", "TrainResult", "prepare", "train"]

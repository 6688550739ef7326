"""Training: from a configuration to a finished run directory."""

from kerasbert.training.check import check_for_training
from kerasbert.training.describe import describe
from kerasbert.training.finish import TrainResult
from kerasbert.training.prepare import Prepared, prepare
from kerasbert.training.repeat import folds_of, seeds_of, train_each
from kerasbert.training.train import train

__all__ = [
    "Prepared",
    "TrainResult",
    "check_for_training",
    "describe",
    "folds_of",
    "prepare",
    "seeds_of",
    "train",
    "train_each",
]

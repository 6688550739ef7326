"""The functions `kerasbert.train` and `kerasbert.evaluate`."""

from kerasbert.api.evaluate import evaluate
from kerasbert.api.train import train

__all__ = ["evaluate", "train"]

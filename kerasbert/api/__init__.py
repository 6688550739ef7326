"""The functions `kerasbert.train`, `kerasbert.evaluate` and `kerasbert.compare`."""

from kerasbert.api.compare import compare
from kerasbert.api.evaluate import evaluate
from kerasbert.api.train import train

__all__ = ["compare", "evaluate", "train"]

"""Hyperparameter search."""

from kerasbert.tuning.space import Space, read_space
from kerasbert.tuning.tune import Best, require_fitting, tune

__all__ = ["Best", "Space", "read_space", "require_fitting", "tune"]

"""Explanations: which words influenced a prediction."""

from kerasbert.explanation.explain import explain
from kerasbert.explanation.show import show

__all__ = ["explain", "show"]

"""Explanations: which words influenced a prediction."""

from kerasbert.explanation.explain import explain
from kerasbert.explanation.joining import join_characters
from kerasbert.explanation.show import show

__all__ = ["explain", "join_characters", "show"]

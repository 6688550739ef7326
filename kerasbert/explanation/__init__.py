"""Which words mattered."""

from kerasbert.explanation.explain import explain
from kerasbert.explanation.show import show

__all__ = ["explain", "show"]

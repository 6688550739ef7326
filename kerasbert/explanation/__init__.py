"""Which words mattered."""

from kerasbert.explanation.explain import explain
from kerasbert.explanation.records import explain_rows
from kerasbert.explanation.show import show

__all__ = ["explain", "explain_rows", "show"]

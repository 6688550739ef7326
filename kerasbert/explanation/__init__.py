"""Which words mattered."""

from kerasbert.explanation.explain import explain

__all__ = ["explain"]

"""The contract tests for authors of task plugins."""

from kerasbert.testing.contract import TaskContract, run_checks

__all__ = ["TaskContract", "run_checks"]

"""Resumable checkpoints of a training."""

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasbert.config import OptimizationConfig
from kerasbert.engine.best import Best
from kerasbert.engine.state import restore_state, save_state, state_files


@dataclass
class Position:
    """The position of a training: everything to resume besides its variables.

    The order of the examples, their masks and augmentation need no state: they follow from seed and step.
    """

    step: int = 0  # optimizer steps done
    best: Best = field(default_factory=Best)
    totals: dict[str, list[float]] = field(default_factory=dict)  # of the current segment; see Totals
    seconds: float = 0.0  # of its steps
    first_loss: float | None = None  # of the first step
    rollbacks: int = 0


class Checkpoints:
    """Writes `checkpoints/step-N.state` when one is due.

    Args:
        directory: of the checkpoints.
        config: how often, and how many to keep.
        writes: whether this process writes them; all read them.

    Attributes:
        step: of the newest.
    """

    def __init__(self, directory: Path, config: OptimizationConfig, writes: bool = True):
        self._directory, self._config, self._writes = directory, config, writes
        self._saved = time.monotonic()
        self.step = 0

    def exist(self) -> bool:
        """Whether there is a checkpoint."""
        return bool(state_files(self._directory))

    def is_due(self, step: int) -> bool:
        """Whether enough steps or minutes have passed since the last checkpoint."""
        every, minutes = self._config.checkpoint_every_steps, self._config.checkpoint_every_minutes
        if every is not None and step - self.step >= every:
            return True
        return minutes is not None and time.monotonic() - self._saved >= 60 * minutes

    def save(self, position: Position, variables: list[Any]) -> None:
        """Writes a checkpoint."""
        if self._writes:
            facts = dataclasses.asdict(position)
            save_state(self._directory, facts, variables, self._config.keep_checkpoints)
        self.step, self._saved = position.step, time.monotonic()

    def restore(self, variables: list[Any]) -> tuple[Position, list[str]]:
        """Sets `variables` to the newest intact checkpoint.

        Returns:
            Where it stands, and a note for each damaged one that was passed over.

        Raises:
            CheckpointError: there is none.
        """
        facts, notes = restore_state(self._directory, variables)
        # Earlier pre-trainings noted the step only.
        position = Position(**{**facts, "best": Best(**facts.get("best", {}))})
        self.step = position.step
        return position, notes

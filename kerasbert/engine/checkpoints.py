"""Checkpoints, from which a training resumes exactly where it was."""

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasbert.config import OptimizationConfig
from kerasbert.engine.best import Best
from kerasbert.engine.state import restore_state, save_state


@dataclass
class Position:
    """Where a training is, besides its variables.

    The order of the rows, their augmentation and their masks need no state: they follow from seed and step.
    """

    step: int = 0  # optimizer steps done
    best: Best = field(default_factory=Best)
    totals: dict[str, list[float]] = field(default_factory=dict)  # of the begun segment; see Totals
    seconds: float = 0.0  # of the begun segment
    first_loss: float | None = None  # of the first step
    rollbacks: int = 0


class Checkpoints:
    """Writes `checkpoints/step-N.state` when one is due.

    Args:
        directory: of the checkpoints.
        config: how often, and how many to keep.
        writes: whether this process writes them; all read them.
    """

    def __init__(self, directory: Path, config: OptimizationConfig, writes: bool = True):
        self._directory, self._config, self._writes = directory, config, writes
        self._saved = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Whether so many steps or minutes have passed since the last."""
        every, minutes = self._config.checkpoint_every_steps, self._config.checkpoint_every_minutes
        if every and step % every == 0:
            return True
        return minutes is not None and time.monotonic() - self._saved >= 60 * minutes

    def save(self, position: Position, variables: list[Any]) -> None:
        """Writes where the training is."""
        if self._writes:
            facts = dataclasses.asdict(position)
            save_state(self._directory, facts, variables, self._config.keep_checkpoints)
        self._saved = time.monotonic()

    def restore(self, variables: list[Any]) -> tuple[Position, list[str]]:
        """Sets `variables` to the newest checkpoint that is whole.

        Returns:
            Where it stands, and a note for each damaged one that was passed over.

        Raises:
            CheckpointError: there is none.
        """
        facts, notes = restore_state(self._directory, variables)
        return Position(**{**facts, "best": Best(**facts.get("best", {}))}), notes

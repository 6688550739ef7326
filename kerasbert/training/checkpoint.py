"""Checkpoints of a fine-tuning, so that it can go on exactly where it was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasbert.checkpoints.state import restore_state, save_state
from kerasbert.training.callbacks import KeepBest
from kerasbert.training.trainer import Trainer


@dataclass(frozen=True)
class Position:
    """Where a training is."""

    step: int  # optimizer steps done
    best: float
    best_epoch: int


class Checkpoint(keras.callbacks.Callback):
    """Writes `checkpoints/step-N.npz` every few steps and after each epoch; keeps the newest two.

    A file holds weights, optimizer, dropout seeds, the running loss of the epoch and what early
    stopping knows. The order of the rows needs no state: it follows from seed and epoch.

    Args:
        directory: of the checkpoints.
        trainer: compiled, with its optimizer built.
        keep_best: the callback that knows the best epoch.
        every: steps between checkpoints. None: after each epoch only.
    """

    def __init__(self, directory: Path, trainer: Trainer, keep_best: KeepBest, every: int | None):
        super().__init__()
        self._directory, self._trainer = directory, trainer
        self._keep_best, self._every = keep_best, every
        self._running_loss: list[np.ndarray] | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves every few steps; after an epoch's last one `on_epoch_end` does, when it is validated."""
        last = batch + 1 == self.params["steps"]
        if self._every and not last and self._step() % self._every == 0:
            self.save()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Gives a resumed epoch the running loss of its first part, which Keras has just reset."""
        if self._running_loss:
            for variable, value in zip(self._trainer.loss_variables, self._running_loss, strict=True):
                variable.assign(value)
            self._running_loss = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the start of the next epoch."""
        self._trainer.reset_metrics()
        self.save()

    def save(self) -> None:
        """Writes the state as it is."""
        facts = {
            "step": self._step(),
            "best": self._keep_best.best,
            "best_epoch": self._keep_best.best_epoch,
        }
        save_state(self._directory, facts, self._state())

    def restore(self) -> Position:
        """Reads the newest checkpoint that is whole, and returns where it stands.

        Raises:
            CheckpointError: there is none.
        """
        facts = restore_state(self._directory, self._state())
        self._running_loss = [keras.ops.convert_to_numpy(v) for v in self._trainer.loss_variables]
        return Position(**facts)

    def _state(self) -> list[Any]:
        trainer = self._trainer
        return [*trainer.variables, *trainer.optimizer.variables, *trainer.loss_variables]

    def _step(self) -> int:
        return int(keras.ops.convert_to_numpy(self._trainer.optimizer.iterations))

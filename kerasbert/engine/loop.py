"""The loop of a training: segments of steps, checkpoints, and what can end it or turn it back."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.config import OptimizationConfig
from kerasbert.engine.checkpoints import Checkpoints, Position
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.schedule import WarmupDecay
from kerasbert.engine.signals import PreemptedError, Termination
from kerasbert.engine.state import state_files
from kerasbert.engine.strategy import any_worker, distribute, is_chief
from kerasbert.engine.trainer import Totals, Trainer
from kerasbert.errors import KerasBertError

_EXPLODED = 10.0  # times the loss of the first step
_MOST_ROLLBACKS = 3


class DivergedError(KerasBertError):
    """The loss is not finite, or far above where it began."""


@dataclass(frozen=True)
class Segment:
    """Steps after which the model is validated: an epoch, or a part of a pre-training.

    Attributes:
        name: shown beside the progress bar.
        number: of its line in TensorBoard.
        first: steps of the training before it.
        steps: its own steps.
        phase: a new phase starts its batches anew.
    """

    name: str
    number: int
    first: int
    steps: int
    phase: int = 0


class Run(Protocol):
    """The files of a run directory that the loop writes."""

    path: Path
    checkpoints: Path
    tensorboard: Path

    def add_history(self, record: Mapping[str, Any]) -> None:
        """Appends the record of a segment."""


class Recipe(Protocol):
    """What is particular to a kind of training."""

    def segments(self, position: Position) -> Iterator[Segment]:
        """Yields the segments from `position` on; the first one may be begun already."""

    def batches(self, step: int) -> tf.data.Dataset:
        """Returns batches (inputs, targets, weights) from that step to the end of its phase."""

    def begin(self, segment: Segment) -> None:
        """Prepares the trainer for a segment."""

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns the validation metrics; Ctrl-C may interrupt it."""

    def end(
        self,
        segment: Segment,
        position: Position,
        means: dict[str, float],
        metrics: dict[str, float],
        seconds: float,
    ) -> dict[str, Any]:
        """Keeps what is worth keeping and returns the record for the history.

        Args:
            segment: that ended.
            position: after it.
            means: of the metrics of its steps.
            metrics: what `validate` returned.
            seconds: that its steps took.
        """

    def resumed(self, position: Position) -> None:
        """Drops what was written after `position`; on the chief only."""


class Loop:
    """Trains from the last checkpoint of the run directory, or from the start.

    Args:
        recipe: of the training.
        run: where to write; only the chief does.
        trainer: with its model and optimizer.
        schedule: of the optimizer's learning rate.
        config: of checkpoints and divergence.
        reporter: shows the progress.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: Run,
        trainer: Trainer,
        schedule: WarmupDecay,
        config: OptimizationConfig,
        reporter: ProgressReporter,
    ):
        self._recipe, self._run, self._trainer = recipe, run, trainer
        self._schedule, self._config, self._reporter = schedule, config, reporter
        self._writes = is_chief(trainer.strategy)
        self._checkpoints = Checkpoints(run.checkpoints, config, self._writes)
        self._summary = tf.summary.create_noop_writer()
        if self._writes:
            self._summary = tf.summary.create_file_writer(str(run.tensorboard))
        self.position = Position()
        self.saved_step = 0
        self._traced = False
        several = isinstance(trainer.strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self._termination = Termination(interrupts=several)

    def run(self, resume: bool) -> None:
        """Trains to the end.

        Raises:
            PreemptedError: SIGTERM came; a checkpoint is saved.
            DivergedError: the training diverged, and may not or no longer be rolled back.
            KeyboardInterrupt: Ctrl-C, after the step that was running.
        """
        if resume and state_files(self._run.checkpoints):
            self._restore()
        else:  # also where it was interrupted before the first checkpoint
            if self._writes:
                self._recipe.resumed(self.position)
            self._save()
        self._trainer.separate_dropout()
        with self._termination:
            while True:
                try:
                    return self._train()
                except DivergedError as error:
                    self._roll_back(error)

    def _train(self) -> None:
        phase, iterator = None, iter(())
        for segment in self._recipe.segments(self.position):
            if segment.phase != phase:
                batches = self._recipe.batches(self.position.step)
                phase, iterator = segment.phase, distribute(self._trainer.strategy, batches)
            self._recipe.begin(segment)
            self._do(segment, iterator)

    def _do(self, segment: Segment, iterator: Iterator[Any]) -> None:
        """Does what is left of a segment."""
        position, totals = self.position, Totals(self.position.totals)
        end, start = segment.first + segment.steps, time.perf_counter() - position.seconds
        self._reporter.begin(segment.name, segment.steps)
        stop = False
        while position.step < end:
            self._check(totals.add(self._step(iterator)))
            position.step += 1
            self._reporter.move(position.step - segment.first)
            self._termination.check()
            due = self._checkpoints.is_due(position.step)
            stop, due = any_worker(self._trainer.strategy, [self._termination.requested, due])
            if position.step < end and (stop or due):
                self._check(totals.add({}))
                position.totals, position.seconds = totals.sums, time.perf_counter() - start
                self._save()
                if stop:
                    self._end_early()
        self._check(totals.add({}))
        position.totals, position.seconds = {}, 0.0
        self._end(segment, totals.means(), time.perf_counter() - start)
        self._save()
        if stop:
            self._end_early()

    def _step(self, iterator: Iterator[Any]) -> dict[str, tf.Tensor]:
        """Does a step, the first of which is slow."""
        if self._traced:
            return self._trainer.step(iterator)
        self._traced = True
        with progress.phase("tracing the training step"):
            return self._trainer.step(iterator)

    def _end(self, segment: Segment, means: dict[str, float], seconds: float) -> None:
        """Validates and writes history."""
        with self._termination.at_once():
            metrics = self._recipe.validate(segment)
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise self._diverged(f"val_{name} is {value}")
        record = self._recipe.end(segment, self.position, means, metrics, seconds)
        record |= {"learning_rate": float(self._schedule(self.position.step - 1)), "seconds": seconds}
        self._reporter.line(record)
        if self._writes:
            self._run.add_history(record)
            scalars = [*means, *(f"val_{name}" for name in metrics), "learning_rate"]
            with self._summary.as_default():
                for name in scalars:
                    tf.summary.scalar(name, record[name], step=segment.number)
            self._summary.flush()

    def _end_early(self) -> None:
        raise PreemptedError(
            f"{self._run.path}: told to end at step {self.position.step:,}, and saved a checkpoint. Go on "
            "with --resume."
        )

    def _check(self, means: dict[str, float]) -> None:
        """Raises `DivergedError` if the loss of a step is not finite, or has exploded."""
        if "loss" not in means:
            return
        loss = means["loss"]
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}")
        first = self.position.first_loss
        if first is None:
            self.position.first_loss = first = loss
        if loss > _EXPLODED * max(first, 1.0):
            raise self._diverged(f"the loss rose from {first:.4g} to {loss:.4g}")

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"step {self.position.step:,}: {what}. Lower training.learning_rate, or use training.precision: "
            "float32. What was saved before is kept."
        )

    def _roll_back(self, error: DivergedError) -> None:
        rollbacks = self.position.rollbacks
        if self._config.on_divergence != "rollback" or rollbacks == _MOST_ROLLBACKS:
            raise error
        self._restore()
        self.position.rollbacks = rollbacks + 1
        self._scale_rate()
        self._trainer.separate_dropout()
        progress.note(
            f"{str(error).partition('. ')[0]}: back to step {self.position.step:,} with "
            f"{self._schedule.factor.numpy():g} of the learning rate."
        )
        self._save()

    def _save(self) -> None:
        if not all(np.isfinite(weight).all() for weight in self._trainer.model.trainable_variables):
            # The loss of a step is that of the weights before it.
            raise self._diverged("a weight is not finite")
        self._checkpoints.save(self.position, self._trainer.variables)
        self.saved_step = self.position.step

    def _restore(self) -> None:
        self.position, notes = self._checkpoints.restore(self._trainer.variables)
        self.saved_step = self.position.step
        for note in notes:
            progress.note(note)
        if self._writes:
            self._recipe.resumed(self.position)
        self._scale_rate()

    def _scale_rate(self) -> None:
        self._schedule.factor.assign(0.5**self.position.rollbacks)

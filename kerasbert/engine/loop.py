"""The training loop: segments of steps, checkpoints, interruption, divergence and rollback."""

import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from kerasbert import progress
from kerasbert.config import OptimizationConfig
from kerasbert.engine.checkpoints import Checkpoints, Position
from kerasbert.engine.divergence import DivergedError, check_loss, check_validation, check_weights
from kerasbert.engine.history import History
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.recipe import Recipe, Segment
from kerasbert.engine.run import Run
from kerasbert.engine.schedule import WarmupDecay
from kerasbert.engine.signals import PreemptedError, Termination
from kerasbert.engine.strategy import any_worker, distribute, is_chief
from kerasbert.engine.trainer import Totals, Trainer

_MOST_ROLLBACKS = 3


class Loop:
    """Trains by a recipe from where the run's newest checkpoint is, or from the start.

    Args:
        recipe: what to train on, and how to validate.
        trainer: with its model and optimizer.
        schedule: of the optimizer's learning rate.
        run: where to write; only the chief does.
        config: when to write checkpoints, and what to do if the loss diverges.
        reporter: shows progress.

    Attributes:
        position: where the training is.
        termination: to be entered around `run`; handles SIGTERM and Ctrl-C.
    """

    def __init__(
        self,
        recipe: Recipe,
        trainer: Trainer,
        schedule: WarmupDecay,
        run: Run,
        config: OptimizationConfig,
        reporter: ProgressReporter,
    ):
        self._recipe, self._trainer, self._schedule = recipe, trainer, schedule
        self._run, self._config, self._reporter = run, config, reporter
        writes = is_chief(trainer.strategy)
        self._checkpoints = Checkpoints(run.checkpoints, config, writes)
        self._history = History(run.history, run.tensorboard, writes)
        self._batches: Iterator[Any] | None = None
        self._phase: int | None = None  # of the batches
        self.position = Position()
        several = isinstance(trainer.strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self.termination = Termination(interrupts=several)

    @property
    def saved_step(self) -> int:
        """The step of the newest checkpoint."""
        return self._checkpoints.step

    def run(self, resume: bool) -> Iterator[dict[str, Any]]:
        """Trains to the end, and yields the record of each segment once it is saved.

        Raises:
            PreemptedError: SIGTERM came; a checkpoint is saved.
            KeyboardInterrupt: Ctrl-C came; a checkpoint is saved, unless it interrupted a validation.
            DivergedError: the training is lost, and may not or no longer be rolled back.
        """
        if resume and self._checkpoints.exist():
            self._restore()
        else:  # also if it was interrupted before the first checkpoint
            self._history.cut(0)
            self._save()
        self._trainer.separate_dropout()
        while segment := self._next_segment():
            try:
                record = self._train(segment)
            except DivergedError as error:
                self._roll_back(error)
            else:
                yield record

    def _next_segment(self) -> Segment | None:
        """Returns the segment to start or continue; None if all are done."""
        segments = self._recipe.segments[self._segments_done() :]
        if not segments or self._recipe.is_over(segments[0], self.position.best):
            return None
        return segments[0]

    def _segments_done(self) -> int:
        # A segment with totals is not done, even if all its steps are: it still has to be validated.
        step = self.position.step - bool(self.position.totals)
        return sum(segment.end <= step for segment in self._recipe.segments)

    def _train(self, segment: Segment) -> dict[str, Any]:
        """Runs the remaining steps of the segment, and returns its record."""
        position, totals = self.position, Totals(self.position.totals)
        started = time.perf_counter() - position.seconds
        self._reporter.begin(segment.name, segment.steps)
        self._recipe.begin(segment)
        for _ in range(position.step, segment.end):
            self._check(totals.add(self._step(segment)))
            position.step += 1
            self._reporter.move(position.step - segment.first)
            due = position.step < segment.end and self._checkpoints.is_due(position.step)
            stop, due = any_worker(self._trainer.strategy, [self.termination.requested, due])
            if stop or due or self.termination.interrupted:
                self._check(totals.add({}))
                position.totals, position.seconds = totals.sums, time.perf_counter() - started
                self._save()
            if stop:
                raise PreemptedError(
                    f"{self._run.path}: stopped by SIGTERM at step {position.step:,} and saved a checkpoint. "
                    "Continue with --resume."
                )
            self.termination.check()
        self._check(totals.add({}))
        record = self._validate(segment, totals.means(), time.perf_counter() - started)
        position.totals, position.seconds = {}, 0.0
        self._save()
        return record

    def _step(self, segment: Segment) -> dict[str, tf.Tensor]:
        """Runs a step; the first one with new batches is slow."""
        if self._batches is not None and self._phase == segment.phase:
            return self._trainer.step(self._batches)
        batches = self._recipe.batches(segment, self.position.step)
        self._batches = distribute(self._trainer.strategy, batches)
        self._phase = segment.phase
        with progress.phase("tracing the training step"):
            return self._trainer.step(self._batches)

    def _check(self, means: dict[str, float]) -> None:
        """Raises `DivergedError` if the loss of a step has diverged."""
        if "loss" in means:
            if self.position.first_loss is None:
                self.position.first_loss = means["loss"]
            check_loss(f"step {self.position.step:,}", means["loss"], self.position.first_loss)

    def _validate(self, segment: Segment, means: dict[str, float], seconds: float) -> dict[str, Any]:
        """Validates, shows and writes the record of the segment."""
        recipe = self._recipe
        with self._trainer.averaged(), self.termination.at_once():  # here Ctrl-C need not wait
            metrics = recipe.validate(segment)
        check_validation(f"step {self.position.step:,}", metrics)
        record = {
            recipe.count: segment.number,
            **means,
            **{f"val_{name}": value for name, value in metrics.items()},
            **recipe.end(segment, metrics, self.position.best),
            "learning_rate": float(self._schedule(self.position.step - 1)),
            "seconds": seconds,
            f"{recipe.unit}_per_second": segment.examples / seconds,
        }
        self._reporter.line(record)
        self._history.add(record, segment.number)
        return record

    def _roll_back(self, error: DivergedError) -> None:
        """Goes back to the last checkpoint with half the learning rate, or raises `error`."""
        rollbacks = self.position.rollbacks
        if self._config.on_divergence != "rollback" or rollbacks == _MOST_ROLLBACKS:
            raise error
        self._restore()
        self.position.rollbacks = rollbacks + 1
        self._scale_learning_rate()
        self._trainer.separate_dropout()
        progress.note(
            f"{error.what}: back to step {self.position.step:,} with {0.5**self.position.rollbacks:g} of the "
            "learning rate."
        )
        self._save()

    def _save(self) -> None:
        check_weights(f"step {self.position.step:,}", self._trainer.model)
        self._checkpoints.save(self.position, self._trainer.variables)

    def _restore(self) -> None:
        self.position, notes = self._checkpoints.restore(self._trainer.variables)
        for note in notes:
            progress.note(note)
        self._history.cut(self._segments_done())
        self._batches = None
        self._scale_learning_rate()

    def _scale_learning_rate(self) -> None:
        self._schedule.factor.assign(0.5**self.position.rollbacks)

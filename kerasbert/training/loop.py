"""The steps of a fine-tuning: epochs, checkpoints, and all that can end or turn them."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.checkpoints import RunDirectory
from kerasbert.engine.checkpoints import Checkpoints, Position
from kerasbert.engine.signals import PreemptedError, Termination
from kerasbert.engine.state import state_files
from kerasbert.engine.strategy import any_worker, distribute, is_chief
from kerasbert.engine.trainer import Totals, Trainer
from kerasbert.errors import KerasBertError
from kerasbert.training.prepare import Prepared
from kerasbert.training.rates import depth_of, lowest_trained
from kerasbert.training.show import Show
from kerasbert.training.training_rows import TrainingRows
from kerasbert.training.validation import Validation

_EXPLODED = 10.0  # times the loss of the first step
_MOST_ROLLBACKS = 3


class DivergedError(KerasBertError):
    """The loss is no number, or far above where it began."""


class Loop:
    """Trains from where the run directory's checkpoint is, or from the start.

    Args:
        prepared: the inputs.
        run: where to write; only the chief does.
        trainer: with its model and optimizer.
        rows: the training rows.
        show: progress.
        on_epoch: see `train`.
    """

    def __init__(
        self,
        prepared: Prepared,
        run: RunDirectory,
        trainer: Trainer,
        rows: TrainingRows,
        show: Show,
        on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    ):
        self._prepared, self._run, self._trainer = prepared, run, trainer
        self._settings = prepared.config.training
        self._rows, self._show, self._on_epoch = rows, show, on_epoch
        self._writes = is_chief(trainer.strategy)
        self._steps = rows.steps
        self._checkpoints = Checkpoints(run.checkpoints, self._settings, self._writes)
        self._validate = Validation(trainer.model, prepared, trainer.strategy)
        self._summary = tf.summary.create_noop_writer()
        if self._writes:
            self._summary = tf.summary.create_file_writer(str(run.tensorboard))
        self.position = Position()
        self._traced = False
        several = isinstance(trainer.strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self._termination = Termination(interrupts=several)

    def run(self, resume: bool) -> None:
        """Trains to the end.

        Raises:
            PreemptedError: SIGTERM came; a checkpoint is saved.
            DivergedError: the loss is lost, and may not or no longer be rolled back.
        """
        if resume and state_files(self._run.checkpoints):
            self._restore()
        else:  # also if it was interrupted before the first checkpoint
            if self._writes:
                self._run.cut_history(0)
            self._save()
        self._trainer.separate_dropout()
        with self._termination as termination:
            while True:
                try:
                    return self._train(termination)
                except DivergedError as error:
                    self._roll_back(error)

    def keep(self) -> None:
        """Saves the weights, or their averages, as the best."""
        if self._writes:
            labels = self._prepared.task.labels
            with self._trainer.averaged():
                self._run.save_weights(self._trainer.model, self._prepared.vocabulary, labels)

    def _train(self, termination: Termination) -> None:
        iterator = distribute(self._trainer.strategy, self._rows.batches(self.position.step))
        for epoch in range(self.position.step // self._steps, self._settings.epochs):
            if self.position.best.is_over(epoch, self._settings):
                return
            self._choose_weights(epoch)
            self._epoch(iterator, termination)

    def _choose_weights(self, epoch: int) -> None:
        """Lets the epoch train what is not frozen."""
        layers = self._trainer.model.get_layer("backbone").num_layers
        lowest = lowest_trained(self._settings, layers, epoch)

        def trained(path: str) -> bool:
            depth = depth_of(path, layers)
            return depth is None or depth >= lowest

        self._trainer.train_only(trained)

    def _epoch(self, iterator: Iterator[Any], termination: Termination) -> None:
        """Does what is left of the epoch."""
        position, totals = self.position, Totals(self.position.totals)
        epoch, first = divmod(position.step, self._steps)
        begun = time.perf_counter()
        self._show.begin(epoch)
        stop = False
        for step in range(first + 1, self._steps + 1):
            self._check(totals.add(self._step(iterator)))
            position.step += 1
            self._show.move(step)
            termination.check()
            due = self._checkpoints.is_due(position.step)
            stop, due = any_worker(self._trainer.strategy, [termination.requested, due])
            if step < self._steps and (stop or due):
                self._check(totals.add({}))
                position.totals = totals.sums
                self._save()
                if stop:
                    self._end_early()
        self._check(totals.add({}))
        position.totals = {}
        rows = len(self._rows) * (self._steps - first) / self._steps
        self._end_epoch(epoch + 1, totals.means(), rows, time.perf_counter() - begun)
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

    def _validated(self) -> dict[str, float]:
        """Returns the figures on the validation rows; here Ctrl-C need not wait."""
        with self._termination.at_once():
            return self._validate()

    def _end_epoch(self, epoch: int, means: dict[str, float], rows: float, seconds: float) -> None:
        """Validates, keeps the best weights and writes history."""
        with self._trainer.averaged():
            figures = self._validated()
        if not math.isfinite(figures["loss"]):
            raise DivergedError(self._diverged(f"epoch {epoch}: the val_loss is {figures['loss']}"))
        if self.position.best.update(epoch, figures, self._settings):
            self.keep()
        record = {
            "epoch": epoch,
            **means,
            **{f"val_{name}": value for name, value in figures.items()},
            "best": self.position.best.epoch == epoch,
            "learning_rate": self._trainer.learning_rate,
            "seconds": seconds,
            "rows_per_second": rows / seconds,
        }
        self._show.line(record)
        if self._writes:
            self._run.add_history(record)
            with self._summary.as_default():
                for name in ("loss", "learning_rate", *(f"val_{name}" for name in figures)):
                    tf.summary.scalar(name, record[name], step=epoch)
            self._summary.flush()
        if self._on_epoch:
            self._on_epoch(epoch, figures)

    def _end_early(self) -> None:
        raise PreemptedError(
            f"{self._run.path}: told to end at step {self.position.step:,}, and saved a checkpoint. Go on "
            "with --resume."
        )

    def _check(self, means: dict[str, float]) -> None:
        """Raises `DivergedError` if the loss of a step is lost."""
        if "loss" not in means:
            return
        loss, first = means["loss"], self.position.first_loss
        if first is None:
            self.position.first_loss = first = loss
        epoch = (self.position.step - 1) // self._steps + 1
        if not math.isfinite(loss):
            raise DivergedError(self._diverged(f"epoch {epoch}: the loss is {loss}"))
        if loss > _EXPLODED * max(first, 1.0):
            raise DivergedError(
                self._diverged(f"epoch {epoch}: the loss rose from {first:.4g} to {loss:.4g}")
            )

    def _diverged(self, what: str) -> str:
        return (
            f"{what}. Lower training.learning_rate, or use training.precision: float32. "
            "The best weights before are kept."
        )

    def _roll_back(self, error: DivergedError) -> None:
        rollbacks = self.position.rollbacks
        if self._settings.on_divergence != "rollback" or rollbacks == _MOST_ROLLBACKS:
            raise error
        self._restore()
        self.position.rollbacks = rollbacks + 1
        self._set_rate()
        self._trainer.separate_dropout()
        progress.note(
            f"{str(error).partition('. ')[0]}: back to step {self.position.step:,} with "
            f"{0.5**self.position.rollbacks:g} of the learning rate."
        )
        self._save()

    def _save(self) -> None:
        if not all(np.isfinite(weight).all() for weight in self._trainer.model.trainable_variables):
            # The loss of a step is that of the weights before it.
            raise DivergedError(self._diverged(f"step {self.position.step}: the weights are no numbers"))
        self._checkpoints.save(self.position, self._trainer.variables)

    def _restore(self) -> None:
        self.position, notes = self._checkpoints.restore(self._trainer.variables)
        for note in notes:
            progress.note(note)
        if self._writes:
            self._run.cut_history(self.position.step // self._steps)
        self._set_rate()

    def _set_rate(self) -> None:
        optimizer = self._trainer.optimizer
        schedule: Any = getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
        schedule.factor.assign(0.5**self.position.rollbacks)

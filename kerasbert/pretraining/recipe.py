"""What a pre-training does besides its steps: phases, validation, and its history."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from kerasbert.engine.checkpoints import Position
from kerasbert.engine.loop import Segment
from kerasbert.engine.progress_reporter import Column
from kerasbert.pretraining.batches import training_batches
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.run import PretrainingRun
from kerasbert.pretraining.validate import Validation


class PretrainingRecipe:
    """The recipe of a pre-training, for `engine.Loop`.

    Its segments are the steps between two validations, `training.checkpoint_every_steps` or what is left of
    a phase.

    Args:
        prepared: the inputs.
        run: with the history.
        validation: of the model.
    """

    def __init__(self, prepared: PreparedPretraining, run: PretrainingRun, validation: Validation):
        self._prepared, self._run, self._validation = prepared, run, validation
        self._config = prepared.config

    def segments(self, position: Position) -> Iterator[Segment]:
        """Yields the segments that are left."""
        every, begin = self._config.training.checkpoint_every_steps, 0
        for number, phase in enumerate(self._config.phases):
            for first in range(begin, begin + phase.steps, every):
                end = min(first + every, begin + phase.steps)
                if end > position.step:
                    yield Segment(f"steps {first + 1:,} to {end:,}", end, first, end - first, number)
            begin += phase.steps

    def batches(self, step: int) -> tf.data.Dataset:
        """Returns the batches from `step` to the end of its phase, and on."""
        number, begin = 0, 0
        while step >= begin + self._config.phases[number].steps:
            begin += self._config.phases[number].steps
            number += 1
        batch_size = self._config.phases[number].batch_size
        return training_batches(self._prepared.corpora[number], self._config, batch_size, step - begin, step)

    def begin(self, segment: Segment) -> None:
        """Nothing changes between segments."""

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns the metrics on the held-out examples of the phase."""
        batch_size = self._config.phases[segment.phase].batch_size
        return self._validation(self._prepared.corpora[segment.phase], batch_size)

    def end(
        self,
        segment: Segment,
        position: Position,
        means: dict[str, float],
        metrics: dict[str, float],
        seconds: float,
    ) -> dict[str, Any]:
        """Returns the record of a segment."""
        examples = segment.steps * self._config.phases[segment.phase].batch_size
        return {
            "step": position.step,
            "phase": segment.phase,
            **means,
            "examples_per_second": examples / seconds,
            **{f"val_{name}": value for name, value in metrics.items()},
        }

    def resumed(self, position: Position) -> None:
        """Drops the records from the history that will be written again."""
        self._run.cut_history(position.step)


_COLUMNS = (
    Column("step", "step", 8, "d"),
    Column("MLM loss", "mlm_loss", 8, ".4f"),
    Column("acc", "mlm_accuracy", 6, ".3f"),
    Column("val loss", "val_mlm_loss", 8, ".4f"),
    Column("val acc", "val_mlm_accuracy", 7, ".3f"),
    Column("perplexity", "val_perplexity", 10, ".2f"),
    Column("NSP acc", "nsp_accuracy", 7, ".3f"),
    Column("val NSP", "val_nsp_accuracy", 7, ".3f"),
    Column("rate", "learning_rate", 8, ".1e"),
    Column("examples/s", "examples_per_second", 10, ".0f"),
)


def columns(next_sentence: bool) -> list[Column]:
    """Returns the columns that show the segments."""
    return [column for column in _COLUMNS if next_sentence or "nsp" not in column.key]

"""The phases of a pre-training, validated on held-out examples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import PretrainingConfig
from kerasbert.engine.best import Best
from kerasbert.engine.progress_reporter import Column
from kerasbert.engine.recipe import Segment
from kerasbert.pretraining.batches import training_batches
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.validate import Validation


class PretrainingRecipe:
    """The recipe of a pre-training, validated every `training.checkpoint_every_steps` steps.

    Args:
        prepared: the inputs.
        model: to validate.
    """

    count, unit = "step", "examples"

    def __init__(self, prepared: PreparedPretraining, model: keras.Model):
        self._config, self._corpora = prepared.config, prepared.corpora
        self._validate = Validation(model, prepared.config)
        self.segments: Sequence[Segment] = list(_segments(prepared.config))

    def is_over(self, segment: Segment, best: Best) -> bool:
        """All steps are always done."""
        return False

    def begin(self, segment: Segment) -> None:
        """Nothing changes between segments."""

    def batches(self, segment: Segment, step: int) -> tf.data.Dataset:
        """Returns the batches of the segment's phase from `step` on."""
        phase = self._config.phases[segment.phase]
        before = sum(phase.steps for phase in self._config.phases[: segment.phase])
        corpus = self._corpora[segment.phase]
        return training_batches(corpus, self._config, phase.batch_size, step - before, step)

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns the metrics on the held-out examples of the segment's phase."""
        return self._validate(self._corpora[segment.phase], self._config.phases[segment.phase].batch_size)

    def end(self, segment: Segment, metrics: Mapping[str, float], best: Best) -> dict[str, Any]:
        """Returns the number of the phase. The last weights are kept, not the best."""
        return {"phase": segment.phase}

    def held_out(self) -> list[dict[str, float]]:
        """Returns the metrics on the held-out examples of each phase, and their `max_length`."""
        return [
            {"max_length": corpus.settings.max_length, **self._validate(corpus, phase.batch_size)}
            for phase, corpus in zip(self._config.phases, self._corpora, strict=True)
        ]


def _segments(config: PretrainingConfig) -> Iterator[Segment]:
    every, begin = config.training.checkpoint_every_steps, 0
    for place, phase in enumerate(config.phases):
        for first in range(begin, begin + phase.steps, every):
            end = min(first + every, begin + phase.steps)
            name = f"steps {first + 1:,} to {end:,}"
            yield Segment(end, name, first, end - first, (end - first) * phase.batch_size, place)
        begin += phase.steps


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

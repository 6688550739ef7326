"""The phases of a pre-training, validated on held-out examples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import PretrainingConfig
from kerasbert.corpus import Corpus
from kerasbert.engine.best import Best
from kerasbert.engine.progress_reporter import Column
from kerasbert.engine.recipe import Segment
from kerasbert.pretraining.batches import training_batches
from kerasbert.pretraining.learning import Learning
from kerasbert.pretraining.masking import Masker
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.text_batches import TextBatches
from kerasbert.pretraining.validate import Validation


class PretrainingRecipe:
    """The recipe of a pre-training, validated every `training.checkpoint_every_steps` steps.

    Args:
        prepared: the inputs.
        model: to validate.
        texts: the batches of each phase that has a teacher.
        learning: from it.
    """

    count, unit = "step", "examples"

    def __init__(
        self,
        prepared: PreparedPretraining,
        model: keras.Model,
        texts: Sequence[TextBatches | None],
        learning: Learning | None,
    ):
        self._config, self._phases, self._texts = prepared.config, prepared.phases, texts
        self._vocabulary = prepared.vocabulary
        self._validation = Validation(model, prepared.config, learning)
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
        examples, first = self._phases[segment.phase], step - before
        if isinstance(examples, Corpus):
            return training_batches(examples, self._config, phase.batch_size, first, step)
        masking = self._config.masking
        masker = Masker(self._vocabulary, masking) if masking.fraction else None
        texts = self._of_texts(segment.phase)
        return texts.training(phase.batch_size, self._config.training.seed, first, masker, step)

    def validate(self, segment: Segment) -> dict[str, float]:
        """Returns the metrics on the held-out examples of the segment's phase."""
        return self._validate(segment.phase)

    def end(self, segment: Segment, metrics: Mapping[str, float], best: Best) -> dict[str, Any]:
        """Returns the number of the phase. The last weights are kept, not the best."""
        return {"phase": segment.phase}

    def held_out(self) -> list[dict[str, float]]:
        """Returns the metrics on the held-out examples of each phase, and their `max_length`."""
        return [
            {
                "max_length": examples.settings.max_length
                if isinstance(examples, Corpus)
                else examples.max_length,
                **self._validate(place),
            }
            for place, examples in enumerate(self._phases)
        ]

    def _validate(self, place: int) -> dict[str, float]:
        phase = self._phases[place]
        examples = phase if isinstance(phase, Corpus) else self._of_texts(place)
        return self._validation(examples, self._config.phases[place].batch_size)

    def _of_texts(self, place: int) -> TextBatches:
        batches = self._texts[place]
        assert batches is not None
        return batches


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
    Column("tokens", "tokens_cosine", 6, ".3f"),
    Column("texts", "texts_cosine", 6, ".3f"),
    Column("val tokens", "val_tokens_cosine", 10, ".3f"),
    Column("val texts", "val_texts_cosine", 9, ".3f"),
    Column("rate", "learning_rate", 8, ".1e"),
    Column("examples/s", "examples_per_second", 10, ".0f"),
)


def columns(config: PretrainingConfig) -> list[Column]:
    """Returns the columns that show the segments."""
    absent = ["nsp"] * (not config.pairs) + ["mlm", "perplexity"] * (not config.masked_lm)
    absent += ["cosine"] * (not config.teacher.source)
    return [column for column in _COLUMNS if not any(name in column.key for name in absent)]

"""The interface of every model: a run directory, an exported SavedModel or a server."""

import abc
import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from kerasbert.config import DataConfig
from kerasbert.errors import UnavailableError
from kerasbert.predictors.explain import explanation_record, require_label
from kerasbert.predictors.predict import WINDOW, AnyRow, Arrays, TextLike, answer_record, in_batches
from kerasbert.predictors.text_encoder import TextEncoder
from kerasbert.predictors.texts import Batch, Texts, read_texts

if TYPE_CHECKING:
    import keras

    from kerasbert.text import TextGraph

_EXPLAIN_BATCH = 8
_EXPLAIN_WINDOW = 32  # of a server, whose client sends four such requests at once
_OPEN_THE_RUN = "Open the run directory that it was exported from: kerasbert.open_model(RUN)"


class Model(TextEncoder):
    """What `kerasbert.open_model` returns. Texts are `str`; answers come in their order.

    Any number of texts is answered in batches, so that memory does not grow with them. Where a method
    takes `texts`, that is one text, or any iterable of texts: a list, a generator, a pandas or polars
    Series, an Arrow or a NumPy array.

    A model of pairs, which was trained with `data.pair_column`, also takes `pairs`: the second texts, in
    the form of `texts`.

    Attributes:
        source: where it was opened: a path or a URL.
        labels: the labels, in the order of the columns of `predict_proba`.
        data: the columns of data files, and where the training rows were, as far as it is known.
        temperature: that the probabilities were calibrated with; 1 where it is not known, as behind a server.
        text_graph: of a run; None elsewhere.
    """

    temperature: float = 1.0
    text_graph: "TextGraph | None" = None

    def __init__(self, source: str, labels: tuple[str, ...], data: DataConfig):
        super().__init__(source, data)
        self.labels = labels

    @property
    @abc.abstractmethod
    def label_separator(self) -> str | None:
        """The separator of labels in data files, if a row may have several."""

    @overload  # a str is an iterable of str too
    def predict(self, texts: str, pairs: str | None = None) -> dict[str, Any]: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> list[dict[str, Any]]: ...

    def predict(self, texts: Texts, pairs: Texts | None = None) -> dict[str, Any] | list[dict[str, Any]]:
        """Classifies texts.

        Args:
            texts: one text, or any number of them.
            pairs: the second texts, for a model of pairs.

        Returns:
            For one text a dict, the record that `kerasbert predict` prints as JSON, with `text` (and `pair`),
            `label`, `score` (the label's probability), what else the task answers, and `probabilities`, a
            dict of each label's. For several texts a list of such dicts.

        Raises:
            UserError: an item is not a text, or pairs are missing or not wanted.
            ServerError: a server does not answer.

        Examples:
            >>> answer = model.predict("手机很好")
            >>> answer["label"]
            'positive'
            >>> list(answer["probabilities"])
            ['negative', 'positive']
            >>> [answer["label"] for answer in model.predict(["手机很好", "酒店太差"])]
            ['positive', 'negative']
        """
        rows, single = read_texts(self, texts, pairs)
        records = [answer_record(row, answer, self.labels) for row, answer in predict_rows(self, rows)]
        return records[0] if single else records

    def predict_proba(self, texts: Texts, pairs: Texts | None = None) -> np.ndarray:
        """Returns the probability of each label: float32 [n, labels], [1, labels] for one text.

        Args:
            texts: one text, or any number of them.
            pairs: the second texts, for a model of pairs.

        Raises:
            UserError: an item is not a text, or pairs are missing or not wanted.
            ServerError: a server does not answer.

        Examples:
            >>> probabilities = model.predict_proba(["手机很好", "酒店太差"])
            >>> probabilities.shape, probabilities.dtype.name
            ((2, 2), 'float32')
            >>> [model.labels[column] for column in probabilities.argmax(axis=1)]
            ['positive', 'negative']
        """
        rows, _ = read_texts(self, texts, pairs)
        result = np.empty([len(rows), len(self.labels)], np.float32)
        for place, (_, answer) in enumerate(predict_rows(self, rows)):
            result[place] = answer["probabilities"]
        return result

    @overload
    def explain(  # type: ignore[overload-overlap]
        self, texts: str, pairs: str | None = None, label: str | None = None
    ) -> dict[str, Any]: ...

    @overload
    def explain(
        self, texts: Iterable[str], pairs: Iterable[str] | None = None, label: str | None = None
    ) -> list[dict[str, Any]]: ...

    def explain(
        self, texts: Texts, pairs: Texts | None = None, label: str | None = None
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Says how much each word moved the decision, by integrated gradients.

        Args:
            texts: one text, or any number of them.
            pairs: the second texts, for a model of pairs.
            label: the label to explain. None: the decided one of each text.

        Returns:
            For one text a dict, the record that `kerasbert explain --json` prints, with `text` (and `pair`),
            `label`, `score` (its log-odds), `baseline_score` (the same with every word masked), `error`,
            and `words` (and `pair_words`), a list of `{"word": str, "attribution": float}`. For several
            texts a list of such dicts.

        Raises:
            UserError: an item is not a text, pairs are missing or not wanted, the model knows no such
                label, or it was exported without explanations.
            ServerError: a server does not answer.

        Examples:
            >>> explanation = model.explain("手机很好")
            >>> explanation["label"], [word["word"] for word in explanation["words"]]
            ('positive', ['手', '机', '很', '好'])
        """
        rows, single = read_texts(self, texts, pairs)
        records = list(explain_rows(self, rows, label))
        return records[0] if single else records

    @property
    def keras_model(self) -> "keras.Model":
        """The Keras model, from token ids to logits.

        Raises:
            UnavailableError: the model is an export or behind a server.
        """
        raise UnavailableError(f"{self.source}: has no Keras model. {_OPEN_THE_RUN}.")

    def keras_inputs(self, texts: Texts, pairs: Texts | None = None) -> dict[str, np.ndarray]:
        """Returns texts as the Keras model takes them.

        Args:
            texts: one text, or any number of them.
            pairs: the second texts, for a model of pairs.

        Raises:
            UnavailableError: the model is an export or behind a server.
        """
        raise UnavailableError(f"{self.source}: has no Keras model. {_OPEN_THE_RUN}.")

    # What a subclass implements: arrays for one batch.

    @abc.abstractmethod
    def predict_batch(self, texts: Batch, pairs: Batch | None = None) -> Arrays:
        """Returns the task's outputs for one batch as arrays, strings as bytes; see `Task.decide`."""

    @abc.abstractmethod
    def explain_batch(self, texts: Batch, pairs: Batch | None = None, label: str | None = None) -> Arrays:
        """Returns the arrays of `kerasbert.explanation.explain` for one batch and a label, or the decided."""


def predict_rows(
    model: Model, rows: Iterable[AnyRow], window: int = WINDOW
) -> Iterator[tuple[AnyRow, dict[str, np.ndarray]]]:
    """Yields each row with its outputs, in the order of `rows`.

    Args:
        model: what answers.
        rows: may be infinite.
        window: number of rows to read, sort by length for speed, and predict at a time.
    """
    return in_batches(model.predict_batch, rows, window, model.batch_size)


def explain_rows(
    model: Model, rows: Iterable[TextLike], label: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yields an explanation of each row, in order: see `explanation_record`.

    Args:
        model: what answers.
        rows: read lazily.
        label: the label to explain. None: the decided one of each row.

    Raises:
        UserError: the model knows no such label.
    """
    require_label(model.labels, label)
    ask = functools.partial(model.explain_batch, label=label)
    window = _EXPLAIN_BATCH if model.batch_size else _EXPLAIN_WINDOW
    for row, outputs in in_batches(ask, rows, window):
        yield explanation_record(row, outputs)

"""Explanations of rows as JSON-ready records."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.data import Row
from kerasbert.errors import UserError
from kerasbert.explanation.explain import explain
from kerasbert.models import TextClassifier
from kerasbert.predictors import Model

_BATCH = 8

Explain = Callable[..., dict[str, np.ndarray]]


def explain_rows(model: Any, rows: Iterable[Row], label: str | None = None) -> Iterator[dict[str, Any]]:
    """Yields an explanation of each row, in order.

    Each has `text` (and `pair`), `label`, `score`, `baseline_score`, `error`, and `words` (and
    `pair_words`), a list of `{"word", "attribution"}`: see `explain`.

    Args:
        model: a `TextClassifier`, or whatever has a method `explain` like `SavedModel`'s.
        rows: are read as they are explained.
        label: the label to explain. None: the decided one of each row.

    Raises:
        UserError: the model knows no such label.
    """
    _check_label(model, label)
    answer = _explainer(model)
    iterator = iter(rows)
    while part := list(islice(iterator, _BATCH)):
        pairs = [row.pair or "" for row in part] if part[0].pair is not None else None
        outputs = answer([row.text for row in part], pairs, label)
        for place, row in enumerate(part):
            yield _record(row, {name: value[place] for name, value in outputs.items()})


def _explainer(model: Any) -> Explain:
    if not isinstance(model, TextClassifier):
        return model.explain
    names = ("text", "pair", "label") if model.takes_pairs else ("text", "label")
    strings = [tf.TensorSpec([None], tf.string)] * len(names)

    @tf.function(input_signature=strings)
    def graph(*columns: tf.Tensor) -> dict[str, tf.Tensor]:
        return explain(model, **dict(zip(names, columns, strict=True)))

    def run(texts: Sequence[str], pairs: Sequence[str] | None, label: str | None) -> dict[str, np.ndarray]:
        columns = [texts, *([] if pairs is None else [pairs]), [label or ""] * len(texts)]
        return {name: value.numpy() for name, value in graph(*map(tf.constant, columns)).items()}

    return run


def _check_label(model: Model, label: str | None) -> None:
    if label is not None and label not in model.labels:
        raise UserError(f"--label: must be one of {', '.join(model.labels)}. Received: {label!r}")


def _record(row: Row, outputs: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {"text": row.text}
    if row.pair is not None:
        record["pair"] = row.pair
    record["label"] = outputs["label"].decode()
    record |= {name: round(float(outputs[name]), 6) for name in ("score", "baseline_score", "error")}
    for prefix in ("", "pair_") if row.pair is not None else ("",):
        words, attributions = outputs[f"{prefix}words"], outputs[f"{prefix}attributions"]
        record[f"{prefix}words"] = [
            {"word": word.decode(), "attribution": round(float(attribution), 6)}
            for word, attribution in zip(words, attributions, strict=True)
            if word
        ]
    return record

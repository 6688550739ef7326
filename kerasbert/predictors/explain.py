"""Explanations of rows as JSON-ready records."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasbert.errors import UserError
from kerasbert.predictors.predict import TextLike

if TYPE_CHECKING:
    from kerasbert.predictors.model import Model

_BATCH = 8

Outputs = dict[str, np.ndarray]


def explain_rows(
    model: "Model", rows: Iterable[TextLike], label: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yields an explanation of each row, in order.

    Each has `text` (and `pair`), `label`, `score`, `baseline_score`, `error`, and `words` (and
    `pair_words`), a list of `{"word", "attribution"}`: see `kerasbert.explanation.explain`.

    Args:
        model: what answers.
        rows: are read as they are explained.
        label: the label to explain. None: the decided one of each row.

    Raises:
        UserError: the model knows no such label.
    """
    require_label(model, label)
    iterator = iter(rows)
    while part := list(islice(iterator, _BATCH)):
        pairs = [row.pair or "" for row in part] if part[0].pair is not None else None
        outputs = model.explain_batch([row.text for row in part], pairs, label)
        for place, row in enumerate(part):
            yield _record(row, {name: value[place] for name, value in outputs.items()})


def require_label(model: "Model", label: str | None, name: str = "label") -> None:
    """Raises `UserError` if `label`, an argument called `name`, is given and none of the model's."""
    if label is not None and label not in model.labels:
        raise UserError(f"{name}: must be one of {', '.join(model.labels)}. Received: {label!r}")


def _record(row: TextLike, outputs: dict[str, Any]) -> dict[str, Any]:
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

"""Explanations as JSON-ready records."""

from collections.abc import Sequence
from typing import Any

from kerasbert.errors import UserError
from kerasbert.predictors.predict import TextLike


def require_label(labels: Sequence[str], label: str | None, name: str = "label") -> None:
    """Raises `UserError` if `label`, an argument called `name`, is given and not among `labels`."""
    if label is not None and label not in labels:
        raise UserError(f"{name}: must be one of {', '.join(labels)}. Received: {label!r}")


def explanation_record(row: TextLike, outputs: dict[str, Any]) -> dict[str, Any]:
    """Returns an explanation as JSON-ready values.

    `text` (and `pair`), `label`, `score`, `baseline_score`, `error`, and `words` (and `pair_words`), a list
    of `{"word", "attribution"}`: see `kerasbert.explanation.explain`.
    """
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

"""MODEL_CARD.md: what the model is, what it was trained on and how well it did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasbert.config import Config, DecisionConfig
from kerasbert.engine.model_card import markdown_text, write_card
from kerasbert.language import tr
from kerasbert.training.prepare import Prepared

_READ = {
    "head": "the start is read",
    "tail": "the end is read",
    "head_tail": "a quarter is read at the start and the rest at the end",
}
_CARD = """\
# {task} classifier

Trained by kerasbert {version} (TensorFlow {tensorflow}, Keras {keras}, Python {python}).
It answers texts with one of: {labels}.

| | |
| --- | --- |
| encoder | {layers} layers, hidden size {hidden}, {heads} heads, from {source} |
| parameters | {parameters:,} |
| vocabulary | {vocabulary:,} tokens, SHA-256 {digest} |
| longest input | {longest} tokens; of longer texts {truncation} |
| training rows | {train_rows:,} ({counts}), and {augmented_rows:,} augmented; {left_out_rows} left out |
| validation rows | {examples:,} |
| best epoch | {best_epoch} of {epochs}, seed {seed}{note} |
| training time | {train_seconds} s |
| probabilities | temperature {temperature:.2f}; expected calibration error {ece} |
| rejection | {rejection} |

Measured on the validation rows, which also chose the epoch and the decision:
accuracy {accuracy:.4f}, macro F1 {macro_f1:.4f}.

| label | precision | recall | F1 | rows |
| --- | --- | --- | --- | --- |
{per_class}

All settings: config.yaml in this directory. The training data, its licence and the intended
use must be stated here by the publisher of this model.
"""


def _longest(config: Config) -> str:
    length, windows = config.training.max_length, config.text.windows
    if windows == 1:
        return str(length)
    return tr("{windows} overlapping windows of {length}", windows=windows, length=length)


def write_model_card(path: Path, prepared: Prepared, metrics: Mapping[str, Any]) -> None:
    """Writes the card of a finished training."""
    config = prepared.config
    rows = (
        f"| {markdown_text(label)} | {of['precision']:.4f} | {of['recall']:.4f} | {of['f1']:.4f} "
        f"| {of['support']} |"
        for label, of in metrics["per_class"].items()
    )
    facts = {
        **metrics,
        "task": config.task,
        "labels": tr(", ").join(map(markdown_text, prepared.task.labels)),
        "layers": config.backbone.num_layers,
        "hidden": config.backbone.hidden_dim,
        "heads": config.backbone.num_heads,
        "source": markdown_text(config.backbone.source),
        "vocabulary": len(prepared.vocabulary),
        "digest": prepared.vocabulary.digest[:12],
        "longest": _longest(config),
        "truncation": tr(_READ[config.text.truncation]),
        "counts": tr(", ").join(f"{markdown_text(k)} {n}" for k, n in prepared.train.label_counts.items()),
        "epochs": config.training.epochs,
        "seed": config.training.seed,
        "note": tr(", interrupted") if metrics["interrupted"] else "",
        "temperature": config.decision.temperature,
        "ece": _calibration_error(metrics["calibration"]),
        "rejection": _rejection(config.decision, metrics["rejection"]),
        "per_class": "\n".join(rows),
    }
    write_card(path, _CARD, facts)


def _calibration_error(calibration: Mapping[str, Any]) -> str:
    if "uncalibrated" not in calibration:
        return f"{calibration['ece']:.4f}"
    before = calibration["uncalibrated"]["ece"]
    return tr("{value:.4f} ({before:.4f} without it)", value=calibration["ece"], before=before)


def _rejection(decision: DecisionConfig, rejection: Mapping[str, Any]) -> str:
    rules = []
    if decision.reject_below is not None:
        rules.append(tr("a confidence below {threshold:.4f}", threshold=decision.reject_below))
    if decision.reject_outliers is not None:
        rules.append(tr("a text unlike those of the training"))
    if not rules:
        return tr("none: all answers are accepted")
    accuracy = rejection["accepted_accuracy"]  # None: nothing is accepted
    return tr(
        "{rules}; {coverage:.1%} of the validation rows are accepted, accuracy of these {accuracy}",
        rules=tr(" or ").join(rules),
        coverage=rejection["coverage"],
        accuracy="-" if accuracy is None else f"{accuracy:.4f}",
    )

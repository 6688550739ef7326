"""Finishes a training: loads the best weights, calibrates the decision and computes the metrics."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from kerasbert import progress
from kerasbert.checkpoints import RunDirectory
from kerasbert.data import Rows
from kerasbert.files import write_json_lines
from kerasbert.models import TextClassifier
from kerasbert.predictors.predict import answer_record, in_batches, stack_answers
from kerasbert.predictors.trained import TrainedModel
from kerasbert.tasks.calibration import calibration_metrics
from kerasbert.tasks.decision import confidence
from kerasbert.tasks.metrics import decisions, score_decisions
from kerasbert.tasks.rejection import rejection_metrics
from kerasbert.training.calibrate import calibrate
from kerasbert.training.continuation import earlier_run, forgetting, forgetting_line
from kerasbert.training.model_card import write_model_card
from kerasbert.training.outliers import fit_outliers
from kerasbert.training.prepare import Prepared


@dataclass(frozen=True, repr=False)
class TrainResult:
    """The result of a training.

    Attributes:
        run: the run directory; `run.path` is where.
        classifier: with the best weights and the calibrated decision.
        metrics: of the validation rows: `accuracy`, `macro_f1`, `per_class`, `best_epoch` and more.
        prepared: the complete configuration, the task and the rows.
        interrupted: whether Ctrl-C ended it early.
        outputs: of the task for the validation rows, arrays [rows, ...]; see `Task.decide`.
        chief: False on the other workers of a cluster, which write nothing and have no `outputs`.
        model: the trained model, as `kerasbert.open_model` opens it.
    """

    run: RunDirectory
    classifier: TextClassifier
    metrics: dict[str, Any]
    prepared: Prepared
    interrupted: bool
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    chief: bool = True

    def __repr__(self) -> str:
        metrics = ", ".join(f"{name}={self.metrics[name]:.4f}" for name in ("accuracy", "macro_f1"))
        return f"TrainResult({str(self.run.path)!r}, {metrics})"

    @cached_property
    def model(self) -> TrainedModel:
        """The trained model, as `kerasbert.open_model` opens it."""
        return TrainedModel(self.classifier, str(self.run.path))


def finish(
    prepared: Prepared, run: RunDirectory, best_epoch: int, seconds: float, interrupted: bool
) -> TrainResult:
    """Loads the best weights, calibrates the decision and writes the metrics, which finishes the run."""
    config, task, rows = prepared.config, prepared.task, prepared.validation
    classifier = run.load_weights_into(TextClassifier(config, task, prepared.vocabulary))
    logits = _predict_logits(classifier, rows)
    distance = fit_outliers(classifier, prepared.train, rows)
    if classifier.outliers is not None:
        classifier.outliers.save(run.outliers)
    targets = task.targets(rows.labels)
    found = calibrate(task, config, logits, targets)
    run.save_config(config)

    outputs = classifier.decide_logits(logits, distance)
    decided = decisions(outputs, len(task.labels))
    calibration = calibration_metrics(outputs, decided, targets, config.decision.temperature)
    right = np.all(decided == targets, axis=1)
    metrics = {
        **score_decisions(targets, decided, task.labels),
        "calibration": {**calibration, **found},
        "rejection": rejection_metrics(confidence(outputs).numpy(), right, outputs.get("accepted")),
        "best_epoch": best_epoch,
        "train_rows": len(prepared.train),
        "augmented_rows": len(prepared.augmented),
        "left_out_rows": len(prepared.train.left_out + prepared.validation.left_out),
        "parameters": classifier.model.count_params(),
        "train_seconds": round(seconds, 1),
        "interrupted": interrupted,
    }
    earlier = earlier_run(config)
    forgotten = earlier and forgetting(earlier, classifier, prepared.train, task.label_separator)
    if forgotten:
        metrics["forgetting"] = forgotten
        progress.note(forgetting_line(forgotten))
    _write_predictions(run, rows, outputs, task.labels)
    write_model_card(run.model_card, prepared, metrics)
    if not interrupted:
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    run.save_metrics(metrics)
    return TrainResult(run, classifier, metrics, prepared, interrupted, outputs)


def load_result(prepared: Prepared, run: RunDirectory) -> TrainResult:
    """Reads the result that the chief wrote, on the other workers."""
    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    return TrainResult(run, run.load(), metrics, prepared, metrics["interrupted"], chief=False)


def _write_predictions(
    run: RunDirectory, rows: Rows, outputs: dict[str, np.ndarray], labels: tuple[str, ...]
) -> None:
    """Writes the answers to the validation rows, as `predict` does, each with its truth, file and line."""

    def records() -> Iterator[dict[str, Any]]:
        for place, row in enumerate(rows.rows):
            answer = {name: values[place] for name, values in outputs.items()}
            truth = row.labels[0] if len(row.labels) == 1 else list(row.labels)
            record = answer_record(row, answer, labels)
            yield {**record, "truth": truth, "file": row.file, "line": row.line}

    write_json_lines(run.predictions, records())


def _predict_logits(classifier: TextClassifier, rows: Rows) -> np.ndarray:
    """Returns float32 [rows, labels]."""

    def ask(texts: Sequence[str], pairs: Sequence[str] | None) -> dict[str, np.ndarray]:
        return {"logits": classifier.predict_logits(texts, pairs)}

    answered = in_batches(ask, rows.rows, size=TrainedModel.batch_size)
    tracked = progress.track(answered, "measuring the best weights", len(rows))
    return stack_answers(tracked)["logits"]

"""Metrics of a model on labelled rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasbert import progress
from kerasbert.data import Columns, Rows, load_rows, read_valid_rows
from kerasbert.data.columns import OPTIONS
from kerasbert.data.labels import label_matrix
from kerasbert.data.other_columns import column_values, group_values
from kerasbert.data.read_options import ReadOptions
from kerasbert.data.source import require_distinct
from kerasbert.data.table import Table
from kerasbert.errors import DataError
from kerasbert.evaluation.baseline import baseline_decisions
from kerasbert.evaluation.fairness import fairness_metrics
from kerasbert.evaluation.intervals import metric_intervals
from kerasbert.evaluation.robustness import robustness_metrics
from kerasbert.evaluation.slices import Slicing, automatic_slicings, column_slicing, slice_metrics
from kerasbert.predictors import Model, open_model, predict_rows, stack_answers
from kerasbert.tasks.calibration import calibration_metrics, several_labels
from kerasbert.tasks.decision import confidence
from kerasbert.tasks.hierarchy import Hierarchy
from kerasbert.tasks.metrics import decisions, score_decisions
from kerasbert.tasks.rejection import rejection_metrics

if TYPE_CHECKING:
    from kerasbert.text import TextGraph


@dataclass(frozen=True)
class Parts:
    """Which rows belong together.

    Attributes:
        groups: the group of each row; rows of one group depend on each other. None: all are independent.
        slicings: divisions of the rows beside the automatic ones.
    """

    groups: Sequence[str] | None = None
    slicings: Sequence[Slicing] = ()


@dataclass(frozen=True)
class Evaluation:
    """The decisions of a model on labelled rows, and their metrics.

    Attributes:
        metrics: accuracy, macro_f1, macro_f1_labels, micro_f1, examples, left_out, per_class, calibration,
            rejection, confusion (rows are the truth; None for several labels a row), top_confusions,
            intervals (see `metric_intervals`), slices (see `slice_metrics`), fairness (see
            `fairness_metrics`) where columns divide the rows, robustness (see `robustness_metrics`) where it
            was asked for, baseline where it could be trained, and lengths of a run: the shares of rows
            longer than `max_length` and than all windows.
        labels: the names of the columns below.
        rows: the rows in order.
        probabilities: float32 [rows, labels].
        decided: float32 [rows, labels] of zeros and ones.
        targets: float32 [rows, labels] of zeros and ones.
        several: whether a row may have several labels.
        confidence: the probability of each decision, float32 [rows]; see `kerasbert.tasks.decision`.
    """

    metrics: dict[str, Any]
    labels: tuple[str, ...]
    rows: Rows = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    decided: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    several: bool = False
    confidence: np.ndarray | None = field(default=None, repr=False)

    @property
    def figures(self) -> dict[str, Any]:
        """The former name of `metrics`."""
        return self.metrics


def evaluate(
    model: str | Path | Model,
    data: Sequence[str | Path | Table],
    reading: ReadOptions | None = None,
    *,
    slices: Sequence[str] = (),
    group_column: str | None = None,
    robustness: bool = False,
) -> Evaluation:
    """Evaluates a model on labelled rows, and a naive Bayes baseline if the training rows are available.

    Args:
        model: an open model, or the path of a run or an export, or a server's URL.
        data: files of labelled rows (`-` is standard input), or tables in memory.
        reading: columns and encoding of `data`, where they are not those of the training files.
        slices: columns of `data` whose values divide the rows into slices.
        group_column: a column of `data`; rows with the same value depend on each other.
        robustness: whether to ask again with edited texts; see `robustness_metrics`.

    Raises:
        UserError: the model or the data cannot be read, a column is missing, or a label is unknown to the
            model.
        ServerError: the model is on a server that does not answer.
    """
    reading = reading or ReadOptions()
    require_distinct(data, reading.settings)
    opened = model if isinstance(model, Model) else open_model(model)
    columns = reading.columns_for(opened.data, opened.label_separator)
    columns = replace(columns, whole=bool(slices) or group_column is not None)
    advice = "Mend the row: a model knows the labels it was trained on."
    rows = read_valid_rows(data, columns, opened.labels, advice)
    parts = _read_parts(rows, slices, group_column, reading.settings is OPTIONS)
    trained_on = Columns.from_config(opened.data, opened.label_separator)
    try:
        train = load_rows(opened.data.train, trained_on) if opened.data.train else None
    except DataError:  # the training files may be gone
        train = None
    evaluation = evaluate_rows(opened, rows, train, parts)
    if robustness:
        found = robustness_metrics(opened, rows, evaluation.decided, evaluation.targets)
        evaluation.metrics["robustness"] = found
    return evaluation


def evaluate_rows(
    model: Model, rows: Rows, train: Rows | None = None, parts: Parts | None = None
) -> Evaluation:
    """Evaluates `model` on `rows`.

    Args:
        model: what answers.
        rows: with labels of the model.
        train: rows for the baseline; without them there is none.
        parts: groups and slices of the rows, if there are any.
    """
    rows_answered = progress.track(predict_rows(model, rows.rows), "evaluating", len(rows))
    outputs = stack_answers(rows_answered)
    evaluation = evaluate_outputs(model.labels, rows, outputs, train, parts, model.temperature)
    if model.text_graph is not None:
        evaluation.metrics["lengths"] = _lengths(rows, model.text_graph)
    return evaluation


def evaluate_outputs(
    labels: tuple[str, ...],
    rows: Rows,
    outputs: Mapping[str, np.ndarray],
    train: Rows | None = None,
    parts: Parts | None = None,
    temperature: float = 1.0,
) -> Evaluation:
    """Evaluates what a model of `labels` answered to `rows`.

    Args:
        labels: of the model, in their order.
        rows: with labels among these.
        outputs: of the task, arrays [rows, ...]; see `Task.decide`.
        train: rows for the baseline; without them there is none.
        parts: groups and slices of the rows, if there are any.
        temperature: that the probabilities were calibrated with.
    """
    decided = decisions(outputs, len(labels))
    targets = label_matrix(rows.labels, labels)
    metrics = score_decisions(targets, decided, labels)
    metrics["left_out"] = len(rows.left_out)
    if "level_scores" in outputs:  # the task `hierarchical`
        metrics["hierarchy"] = Hierarchy(labels).metrics(targets, decided)
    metrics["calibration"] = calibration_metrics(outputs, decided, targets, temperature)
    sure, right = confidence(outputs).numpy(), np.all(decided == targets, axis=1)
    metrics["rejection"] = rejection_metrics(sure, right, outputs.get("accepted"))
    metrics.update(_confusion(targets, decided, labels))
    with progress.phase("computing intervals"):
        metrics.update(_uncertainty(targets, decided, labels, rows, parts or Parts()))
    fits = train is not None and train.rows and set(train.label_counts) <= set(labels)
    with progress.phase("training naive Bayes, to compare"):
        baseline = baseline_decisions(train, rows, labels) if train is not None and fits else None
    if baseline is not None:
        floor = score_decisions(targets, baseline, labels)
        metrics["baseline"] = {
            "model": "naive Bayes over characters and pairs of characters",
            **{name: floor[name] for name in ("accuracy", "macro_f1", "micro_f1")},
        }
    several = several_labels(outputs)
    return Evaluation(metrics, labels, rows, outputs["probabilities"], decided, targets, several, sure)


def _lengths(rows: Rows, graph: "TextGraph") -> dict[str, Any]:
    """Returns how many rows are longer than a window, and than all windows that are read."""
    from kerasbert.data.check import token_lengths  # imports TensorFlow

    tokens, _ = token_lengths(rows, graph)
    windows = graph.windows
    return {
        "max_length": windows.length,
        "windows": windows.most,
        "longer": float(np.mean(tokens > windows.length)),
        "cut": float(np.mean(tokens > windows.budget + 2)),
    }


def _read_parts(rows: Rows, slices: Sequence[str], group_column: str | None, command: bool) -> Parts:
    options = ("--slices", "--group-column") if command else ("slices", "group_column")
    return Parts(
        None if group_column is None else group_values(rows.rows, group_column, options[1]),
        [column_slicing(name, column_values(rows.rows, name, options[0])) for name in slices],
    )


def _uncertainty(
    targets: np.ndarray, decided: np.ndarray, labels: Sequence[str], rows: Rows, parts: Parts
) -> dict[str, Any]:
    texts = [row.text if row.pair is None else f"{row.text}\n{row.pair}" for row in rows.rows]
    right = np.all(targets == decided, axis=1)
    found = {
        "intervals": metric_intervals(targets, decided, labels, parts.groups),
        "slices": slice_metrics(right, [*parts.slicings, *automatic_slicings(texts)], parts.groups),
    }
    if parts.slicings:
        found["fairness"] = fairness_metrics(targets, decided, labels, parts.slicings, parts.groups)
    return found


def _confusion(targets: np.ndarray, decided: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    if np.any(targets.sum(1) != 1) or np.any(decided.sum(1) != 1):
        return {"confusion": None, "top_confusions": []}
    matrix = (targets.T @ decided).astype(int)
    wrong = Counter(
        {
            (labels[i], labels[j]): int(matrix[i, j])
            for i in range(len(labels))
            for j in range(len(labels))
            if i != j and matrix[i, j]
        }
    )
    return {
        "confusion": matrix.tolist(),
        "top_confusions": [
            {"truth": truth, "decided": label, "rows": count}
            for (truth, label), count in wrong.most_common(10)
        ],
    }

"""Metrics of predictions, computed with scikit-learn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from kerasbert.tasks.decision import selected_labels


def decisions(outputs: Mapping[str, np.ndarray], labels: int) -> np.ndarray:
    """Returns the predicted labels in a task's outputs, float32 [rows, labels] of zeros and ones."""
    selected = selected_labels(outputs)
    if selected is not None:
        return selected.astype(np.float32)
    return np.eye(labels, dtype=np.float32)[outputs["label_id"]]


def score_decisions(targets: np.ndarray, decided: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Returns accuracy, macro and micro F1 and the metrics of each label.

    In a multi-label task, accuracy is the share of rows with exactly the right labels. Macro F1 is the mean
    over the labels that occur among the true or predicted labels, as in scikit-learn; `macro_f1_labels` is
    their number.

    Args:
        targets: true labels, float32 [rows, labels] of zeros and ones.
        decided: predicted labels, float32 [rows, labels] of zeros and ones.
        labels: the names of the columns.
    """
    truth, decided = targets.astype(int), decided.astype(int)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, decided, average=None, zero_division=0
    )
    occurs = (truth | decided).any(axis=0)
    return {
        "accuracy": float(accuracy_score(truth, decided)),
        "macro_f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
        "macro_f1_labels": int(occurs.sum()),
        "micro_f1": float(f1_score(truth, decided, average="micro", zero_division=0)),
        "examples": len(truth),
        "per_class": {
            label: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "support": int(support[i]),
            }
            for i, label in enumerate(labels)
        },
    }

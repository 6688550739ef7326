"""Continues from a trained run: the classifier of old labels is kept, and what is forgotten is measured."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config
from kerasbert.data import Row, Rows
from kerasbert.data.near_duplicates import normalized
from kerasbert.errors import CheckpointError, ConfigError
from kerasbert.models import Classifier, TextClassifier
from kerasbert.predictors.predict import in_batches

_KEY = "head.keep"


def earlier_run(config: Config) -> RunDirectory | None:
    """Returns the run whose classifier is kept, if one is.

    Raises:
        ConfigError: `backbone.source` is no run, or of another task or pooling.
    """
    if not config.head.keep:
        return None
    run = RunDirectory(config.backbone.source)
    if not run.is_run(run.path):
        raise ConfigError(
            f"{_KEY}: needs a run directory as backbone.source (train --from RUN). Received: "
            f"{config.backbone.source}"
        )
    earlier = run.load_config()
    for key, one, other in (
        ("task", earlier.task, config.task),
        ("head.pooling", earlier.head.pooling, config.head.pooling),
    ):
        if one != other:
            raise ConfigError(
                f"{key}: must be that of {run.path}, {one}, to keep its classifier. Received: {other}"
            )
    return run


def keep_classifier(model: Classifier, labels: tuple[str, ...], run: RunDirectory) -> None:
    """Copies the head of a run; of weights with a column for each label, the columns of the labels of both.

    Args:
        model: of the new labels.
        labels: the new labels, in order.
        run: the earlier one.

    Raises:
        ConfigError: the heads have other layers.
    """
    earlier = run.load()
    other_layers = ConfigError(f"{_KEY}: the head of {run.path} has other layers.")
    weights, sources = ([weight.numpy() for weight in of.head.weights] for of in (model, earlier.model))
    if len(weights) != len(sources):
        raise other_layers
    for variable, weight, source in zip(model.head.weights, weights, sources, strict=True):
        if weight.shape[:-1] != source.shape[:-1]:
            raise other_layers
        if (weight.shape[-1], source.shape[-1]) == (len(labels), len(earlier.labels)):
            for column, label in enumerate(labels):
                if label in earlier.labels:
                    weight[..., column] = source[..., earlier.labels.index(label)]
        elif weight.shape == source.shape:
            weight = source
        else:
            raise other_layers
        variable.assign(weight)


def earlier_validation(run: RunDirectory) -> Iterator[tuple[Row, str]]:
    """Yields the validation rows of a run, each with what the run decided.

    Runs from before they kept their answers have none.
    """
    if not run.predictions.is_file():
        return
    try:
        with run.predictions.open(encoding="utf-8") as file:
            for record in map(json.loads, file):
                truth = record["truth"]
                labels = tuple(truth) if isinstance(truth, list) else (truth,)
                row = Row(record["text"], labels, record.get("pair"), record["file"], record["line"])
                yield row, record["label"]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{run.predictions}: is damaged ({error!r}). Remove it, or train again."
        ) from error


def hold_out(train: Rows, validation: Rows, run: RunDirectory) -> tuple[Rows, Rows]:
    """Moves the rows that the earlier run was validated on to the validation rows, to measure it fairly."""
    texts = {normalized(row) for row, _ in earlier_validation(run)}
    moved = [row for row in train.rows if normalized(row) in texts]
    kept = [row for row in train.rows if normalized(row) not in texts]
    return Rows(kept, train.left_out), Rows([*validation.rows, *moved], validation.left_out)


def forgetting(
    run: RunDirectory, classifier: TextClassifier, train: Rows, separator: str | None
) -> dict[str, Any] | None:
    """Returns how the new model does on the validation rows of the earlier one, None if there are none.

    Args:
        run: the earlier one.
        classifier: the new model.
        train: its training rows, which are not measured on.
        separator: of several labels.

    Returns:
        `rows`, `accuracy` and `accuracy_before`, `forgotten` (rows that the earlier model had right and the
        new one has not) and `learned` (the other way round), and `per_class` with the same.
    """
    seen = set(train.normalized)
    earlier = [one for one in earlier_validation(run) if normalized(one[0]) not in seen]
    if not earlier:
        return None

    def ask(texts: Any, pairs: Any) -> dict[str, np.ndarray]:
        return {"label": classifier.predict(texts, pairs)["label"]}

    answers = in_batches(ask, [row for row, _ in earlier], size=64)
    of_label: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for (row, before), (_, answer) in zip(earlier, answers, strict=True):
        was, now = (
            _labels(of, separator) == set(row.labels) for of in (before, bytes(answer["label"]).decode())
        )
        found = {"rows": 1, "before": was, "now": now, "forgotten": was > now, "learned": now > was}
        for counts in (total, *(of_label[label] for label in row.labels)):
            counts.update(found)
    return {**_figures(total), "per_class": {label: _figures(of_label[label]) for label in sorted(of_label)}}


def forgetting_line(figures: dict[str, Any]) -> str:
    """Returns what was forgotten, in one line."""
    return (
        f"{figures['rows']:,} validation rows of the earlier model: accuracy {figures['accuracy']:.4f}, "
        f"before {figures['accuracy_before']:.4f}; {figures['forgotten']:,} forgotten, "
        f"{figures['learned']:,} learned"
    )


def _figures(counts: Counter[str]) -> dict[str, Any]:
    return {
        "rows": counts["rows"],
        "accuracy_before": counts["before"] / counts["rows"],
        "accuracy": counts["now"] / counts["rows"],
        "forgotten": counts["forgotten"],
        "learned": counts["learned"],
    }


def _labels(decided: str, separator: str | None) -> set[str]:
    return set(filter(None, decided.split(separator))) if separator else {decided}

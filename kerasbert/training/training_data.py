"""The rows and labels of a training: read, checked against each other, and split."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kerasbert import progress
from kerasbert.config import Config
from kerasbert.data import (
    Columns,
    Rows,
    fold_rows,
    labels_of,
    load_rows,
    read_valid_rows,
    sort_labels,
    split_rows,
)
from kerasbert.data.label_checks import check_label_map, check_labels_present
from kerasbert.data.load import SoftRows, require_known_labels, why_unusable
from kerasbert.data.near_duplicates import normalized
from kerasbert.data.probabilities import read_probabilities
from kerasbert.data.row_checks import check_other_rows, check_shared, check_training_rows
from kerasbert.data.source import require_files
from kerasbert.data.table import Table
from kerasbert.errors import ConfigError
from kerasbert.language import tr
from kerasbert.tasks import Task, get_task
from kerasbert.training.continuation import earlier_run, hold_out

Tables = Mapping[str, Table] | None
_MUCH_MORE = 1.5


@dataclass(frozen=True)
class TrainingData:
    """Training, validation, unlabelled and softly labelled rows, and the task with its labels."""

    task: Task
    train: Rows
    validation: Rows
    unlabelled: Rows
    warnings: tuple[str, ...] = ()  # about the rows
    soft: SoftRows = field(default_factory=SoftRows)


def read_training_data(config: Config, tables: Tables = None) -> TrainingData:
    """Reads what `config` names.

    Args:
        config: the configuration.
        tables: rows in memory, in the place of the files of these names.

    Raises:
        UserError: a file cannot be read, or its rows cannot be trained on.
    """
    if not config.data.train:
        raise ConfigError("data.train: name at least one training file.")
    soft_files = config.distillation.soft_labels
    named = (*config.data.train, *config.data.validation, *config.distillation.unlabelled, *soft_files)
    require_files(path for path in named if path not in (tables or {}))
    task_class = get_task(config.task)
    if config.data.label_separator and task_class.label_separator is None:
        raise ConfigError(
            f"data.label_separator: a row of {config.task} has one label. Remove the key, or choose task: "
            "multi_label."
        )
    columns = Columns.from_config(config.data, task_class.label_separator)
    rows = load_rows(_sources(config.data.train, tables), columns)
    _require_labels_left(rows, config)
    earlier = earlier_run(config)
    fixed = task_class.fixed_labels or config.data.labels
    if earlier and not fixed:
        known = earlier.load_labels()
        fixed = [*known, *(label for label in sort_labels(rows.label_counts) if label not in known)]
    labels = labels_of(rows, fixed)
    require_known_labels(rows, labels)
    train, validation = _sides(rows, columns, labels, config, tables)
    if earlier and not config.data.validation and not config.data.folds:
        train, validation = hold_out(train, validation, earlier)
    name = _name("data.train", config.data.train, tables)
    warnings = check_training_rows(name, rows, labels, columns, config.data.labels)
    warnings += check_label_map(columns, [*rows.label_counts, *validation.label_counts])
    warnings += _check_validation(train, validation, labels, config, tables)
    unlabelled = load_rows(config.distillation.unlabelled, dataclasses.replace(columns, label=None))
    soft = read_soft_rows(soft_files, columns, labels, validation)
    if soft.left_out:
        warnings.append(
            tr(
                "distillation.soft_labels: {rows:,} row(s) are left out, because their texts are empty or "
                "among the validation rows.",
                rows=len(soft.left_out),
            )
        )
    task = task_class(labels, config.task_options)
    return TrainingData(task, train, validation, unlabelled, tuple(warnings), soft)


def read_soft_rows(
    files: Sequence[str], columns: Columns, labels: Sequence[str], validation: Rows
) -> SoftRows:
    """Reads texts with probabilities; those that are empty or validated on are left out.

    Raises:
        DataError: see `read_probabilities`.
    """
    held_out = set(validation.normalized)
    soft, vectors = SoftRows(), []
    for file in files:
        for row, vector in progress.track(read_probabilities(file, columns, labels), f"reading {file}"):
            reason = why_unusable(row, columns.without_labels())
            if reason is None and normalized(row) in held_out:
                reason = "a validation row"
            if reason:
                soft.left_out.append((row, reason))
            else:
                soft.rows.append(row)
                vectors.append(vector)
    soft.targets = np.array(vectors, np.float32).reshape(len(soft), len(labels))
    return soft


def _require_labels_left(rows: Rows, config: Config) -> None:
    names = set(config.data.label_map.values())
    if len(config.data.label_map) > 1 and set(rows.label_counts) == names and len(names) == 1:
        raise ConfigError(
            f"data.label_map: gives all labels one name, {names.pop()!r}. At least two labels are needed."
        )


def _sides(
    rows: Rows, columns: Columns, labels: Sequence[str], config: Config, tables: Tables
) -> tuple[Rows, Rows]:
    """Returns the training and validation rows."""
    data, seed = config.data, config.training.seed
    if data.validation:
        return rows, read_valid_rows(_sources(data.validation, tables), columns, labels)
    if data.folds:
        return fold_rows(rows, data.folds, data.fold, seed)
    return split_rows(rows, data.validation_fraction, seed)


def _check_validation(
    train: Rows, validation: Rows, labels: Sequence[str], config: Config, tables: Tables
) -> list[str]:
    """Returns warnings about the validation rows."""
    data = config.data
    if data.validation:
        name = _name("data.validation", data.validation, tables)
        return [
            *check_other_rows(name, validation, labels),
            *check_shared(name, validation, _name("data.train", data.train, tables), train),
        ]
    warnings = check_labels_present(tr("validation rows"), validation, labels)
    share = len(validation) / (len(train) + len(validation))
    if not data.folds and share > _MUCH_MORE * data.validation_fraction:
        warnings.append(
            tr(
                "validation rows: {share:.1%} of the rows rather than {wanted:.1%}, so that each label "
                "has one.",
                share=share,
                wanted=data.validation_fraction,
            )
        )
    return warnings


def _name(key: str, paths: Sequence[str], tables: Tables) -> str:
    return str(_sources(paths, tables)[0]) if len(paths) == 1 else key


def _sources(paths: Sequence[str], tables: Tables) -> list[str | Table]:
    return [(tables or {}).get(path, path) for path in paths]

"""The rows and labels of a training: read, checked against each other, and split."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kerasbert.config import Config
from kerasbert.data import Columns, Rows, fold_rows, labels_of, load_rows, read_valid_rows, split_rows
from kerasbert.data.load import require_known_labels
from kerasbert.data.table import Table
from kerasbert.errors import ConfigError
from kerasbert.tasks import Task, get_task


@dataclass(frozen=True)
class TrainingData:
    """The rows of both sides, those without labels for a teacher, and the task with its labels."""

    task: Task
    train: Rows
    validation: Rows
    unlabelled: Rows


def read_training_data(config: Config, tables: Mapping[str, Table] | None = None) -> TrainingData:
    """Reads what `config` names.

    Args:
        config: the configuration.
        tables: rows in memory, in the place of the files of these names.

    Raises:
        UserError: a file cannot be read, or its rows cannot be trained on.
    """
    if not config.data.train:
        raise ConfigError("data.train: name at least one training file.")
    task_class = get_task(config.task)
    columns = Columns.of(config.data, task_class.label_separator)
    train = load_rows(_sources(config.data.train, tables), columns)
    labels = labels_of(train, task_class.fixed_labels or config.data.labels)
    require_known_labels(train, labels)
    if config.data.validation:
        validation = read_valid_rows(_sources(config.data.validation, tables), columns, labels)
    elif config.data.folds:
        train, validation = fold_rows(train, config.data.folds, config.data.fold, config.training.seed)
    else:
        train, validation = split_rows(train, config.data.validation_fraction, config.training.seed)
    unlabelled = load_rows(config.distillation.unlabelled, dataclasses.replace(columns, label=None))
    return TrainingData(task_class(labels, config.task_options), train, validation, unlabelled)


def _sources(paths: Sequence[str], tables: Mapping[str, Table] | None) -> list[str | Table]:
    return [(tables or {}).get(path, path) for path in paths]

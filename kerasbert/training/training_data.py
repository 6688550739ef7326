"""The rows and labels of a training: read, checked against each other, and split."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kerasbert.config import Config
from kerasbert.data import Columns, Rows, fold_rows, labels_of, load_rows, read_valid_rows, split_rows
from kerasbert.data.label_checks import check_label_map, check_labels_present
from kerasbert.data.load import require_known_labels
from kerasbert.data.row_checks import check_other_rows, check_shared, check_training_rows
from kerasbert.data.source import require_files
from kerasbert.data.table import Table
from kerasbert.errors import ConfigError
from kerasbert.tasks import Task, get_task

Tables = Mapping[str, Table] | None
_MUCH_MORE = 1.5


@dataclass(frozen=True)
class TrainingData:
    """Training, validation and unlabelled rows, and the task with its labels."""

    task: Task
    train: Rows
    validation: Rows
    unlabelled: Rows
    warnings: tuple[str, ...] = ()  # about the rows


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
    named = (*config.data.train, *config.data.validation, *config.distillation.unlabelled)
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
    labels = labels_of(rows, task_class.fixed_labels or config.data.labels)
    require_known_labels(rows, labels)
    train, validation = _sides(rows, columns, labels, config, tables)
    name = _name("data.train", config.data.train, tables)
    warnings = check_training_rows(name, rows, labels, columns, config.data.labels)
    warnings += check_label_map(columns, [*rows.label_counts, *validation.label_counts])
    warnings += _check_validation(train, validation, labels, config, tables)
    unlabelled = load_rows(config.distillation.unlabelled, dataclasses.replace(columns, label=None))
    task = task_class(labels, config.task_options)
    return TrainingData(task, train, validation, unlabelled, tuple(warnings))


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
    warnings = check_labels_present("validation rows", validation, labels)
    share = len(validation) / (len(train) + len(validation))
    if not data.folds and share > _MUCH_MORE * data.validation_fraction:
        warnings.append(
            f"validation rows: {share:.1%} of the rows rather than {data.validation_fraction:.1%}, so that "
            "each label has one."
        )
    return warnings


def _name(key: str, paths: Sequence[str], tables: Tables) -> str:
    return str(_sources(paths, tables)[0]) if len(paths) == 1 else key


def _sources(paths: Sequence[str], tables: Tables) -> list[str | Table]:
    return [(tables or {}).get(path, path) for path in paths]

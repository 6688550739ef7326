"""Trains a model from Python: a configuration in any form, rows in files or in memory."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console

from kerasbert import progress
from kerasbert.api.settings import Settings, gather, split_section
from kerasbert.errors import ConfigError
from kerasbert.evaluation import show_result
from kerasbert.training import TrainResult
from kerasbert.training import train as train_config

if TYPE_CHECKING:
    import tensorflow as tf


def train(
    config: Settings = None,
    *,
    data: Any = None,
    validation: Any = None,
    text_column: str | None = None,
    label_column: str | None = None,
    pair_column: str | None = None,
    resume: bool = False,
    quiet: bool = False,
    strategy: "tf.distribute.Strategy | None" = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    **settings: Any,
) -> TrainResult:
    """Trains a classifier and writes a run directory, like the command `kerasbert train`.

    In-memory rows are copied to `rows/` in the run directory, so the run can be resumed and compared with
    naive Bayes like one that was trained on files.

    Ctrl-C ends the training early and saves the progress; `interrupted` is then true in the result.

    Args:
        config: the path of a YAML file, a `kerasbert.Config`, or a nested dict. None: the defaults.
        data: the training rows: a pandas or polars DataFrame, an Arrow table, a Hugging Face data set, a
            dict of columns, an iterable of dicts or of tuples (text, label), or one or several file paths.
            Or the section `data` of the configuration as a dict, with such rows as `train`. None: the files
            that `config` names.
        validation: the validation rows, in the same forms. None: the files that `config` names, or else a
            part of the training rows.
        text_column: name of the text column. Defaults to `text`.
        label_column: name of the label column. Defaults to `label`.
        pair_column: name of the column of the second text, for pairs. Tuples are then (text, pair, label).
        resume: whether to continue the unfinished training in `run_dir` from its last checkpoint.
        quiet: whether to hide all progress.
        strategy: the distribution strategy. None: the one that the configuration names.
        on_epoch: called with the number of each epoch, from 1, and its validation metrics; may raise to
            stop the training.
        **settings: keys of the configuration, which override `config`: `task="multi_label"`,
            `training={"epochs": 3}`, `run_dir="runs/mine"`.

    Returns:
        The result of the training. `result.model` is the trained model, `result.metrics` are the metrics on
        the validation rows, and `result.run.path` is the run directory.

    Raises:
        UserError: the configuration or the rows are invalid, or the run cannot be resumed.
        KerasBertError: the loss is not finite, SIGTERM was received, or another worker was lost.

    Examples:
        >>> result = kerasbert.train(data=rows, training={"epochs": 1}, run_dir=run_dir, quiet=True)
        >>> result.model.labels
        ('negative', 'positive')
        >>> result.model.predict_proba(["手机很好"]).shape
        (1, 2)
    """
    section, data = split_section(data)
    if "validation" in section and validation is not None:
        raise ConfigError("validation: is given twice, in data and as an argument. Remove one.")
    rows = {"train": data, "validation": section.pop("validation", validation)}
    named = {"text_column": text_column, "label_column": label_column, "pair_column": pair_column}
    section |= {key: value for key, value in named.items() if value is not None}
    given = gather(
        config,
        {side: source for side, source in rows.items() if source is not None},
        {**settings, "data": section} if section else settings,
    )
    console = Console(quiet=True) if quiet else Console(stderr=True)
    with progress.shown(console):
        result = train_config(given.config, console, resume, strategy, on_epoch, given.tables)
        if result.chief:
            show_result(result, console)
    if result.interrupted:
        console.print("Interrupted: what was reached until then is saved.")
    return result

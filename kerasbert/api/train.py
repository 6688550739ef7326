"""Training from Python: a configuration in any form, rows from files or from memory."""

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
    """Trains a classifier and leaves a run directory, as the command `kerasbert train` does.

    Rows in memory are copied to `rows/` in the run directory, where its configuration finds them again:
    the run can be resumed, and evaluated beside a naive Bayes, as one that was trained on files.

    Ctrl-C ends the training early with what was reached saved; the result is then `interrupted`.

    Args:
        config: the path of a YAML file, a `kerasbert.Config`, or a nested dict. None: the defaults.
        data: the training rows: a pandas or polars DataFrame, an Arrow table, a Hugging Face data set, a
            dict of columns, an iterable of dicts or of tuples (text, label), or the path of a file, or
            several; None: what `config` names. A dict may also be the section `data` of the
            configuration, with such rows as its `train`.
        validation: the validation rows, likewise. None: what `config` names, else a part of the training
            rows.
        text_column: name of the column of texts; by default `text`.
        label_column: name of the column of labels; by default `label`.
        pair_column: name of the column of second texts, for a model of pairs. Tuples are then
            (text, pair, label).
        resume: go on with the unfinished training in `run_dir`, exactly where its last checkpoint is.
        quiet: show nothing.
        strategy: to train under. None: what the configuration names.
        on_epoch: called with each epoch, from 1, and its validation figures; may raise to end it all.
        **settings: keys of the configuration, over those of `config`: `task="multi_label"`,
            `training={"epochs": 3}`, `run_dir="runs/mine"`.

    Returns:
        What the training reached. `result.model` is the trained model, `result.metrics` are the metrics on
        the validation rows, and `result.run.path` is the run directory.

    Raises:
        UserError: the configuration or the rows cannot be trained on, or the run not resumed.
        KerasBertError: the loss is not finite, SIGTERM came, or another worker was lost.

    Examples:
        >>> result = kerasbert.train(data=rows, training={"epochs": 1}, run_dir=run_dir, quiet=True)
        >>> result.model.labels
        ('negative', 'positive')
        >>> result.model.predict_proba(["手机很好"]).shape
        (1, 2)
    """
    section, data = split_section(data)
    if "validation" in section and validation is not None:
        raise ConfigError("validation: is given twice, in data and beside it. Leave one out.")
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

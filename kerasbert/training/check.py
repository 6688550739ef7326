"""Checks data files for a training."""

from collections.abc import Sequence

from kerasbert.config import Config
from kerasbert.data import CheckReport, Rows, check_files
from kerasbert.data.columns import KEYS
from kerasbert.data.read_options import ReadOptions
from kerasbert.data.source import require_files
from kerasbert.errors import UserError
from kerasbert.models import build_text_graph
from kerasbert.tasks import get_task
from kerasbert.text import TextGraph
from kerasbert.training.prepare import Prepared, prepare, resolve_encoder
from kerasbert.training.training_rows import label_weights


def check_for_training(
    paths: Sequence[str], config: Config, reading: ReadOptions | None = None
) -> CheckReport:
    """Checks data files as a training with `config` would use them; see `check_files`.

    Whatever such a training would refuse before its first step is an error.

    Args:
        paths: the training file, and others. Where `config` names no validation files and no folds, and
            there are others, the second is validated on.
        config: of the training.
        reading: columns and encoding, where they are not those of `config`.
    """
    require_files(paths)
    task_class = get_task(config.task)
    labels = task_class.fixed_labels or config.data.labels
    reading = reading or ReadOptions(settings=KEYS)
    columns = reading.columns(config.data, task_class.label_separator)
    trial = config.model_copy(update={"data": reading.data_config(config.data, paths[:1])}, deep=True)
    if not trial.data.validation and not trial.data.folds:
        trial.data.validation = list(paths[1:2])
    prepared, refusal = _try(trial)

    def text_graph(rows: Rows) -> TextGraph:
        if prepared:
            return build_text_graph(prepared.config, prepared.task, prepared.vocabulary)
        task = task_class(labels or tuple(rows.label_counts), config.task_options)
        _, vocabulary, _, text = resolve_encoder(config, task, rows)
        return build_text_graph(config.model_copy(update={"text": text}), task, vocabulary)

    report = check_files(paths, columns, labels, text_graph)
    if prepared:  # warnings that only the split reveals
        report.warnings += [warning for warning in prepared.warnings if warning not in report.warnings]
    if refusal and not report.errors:
        report.errors.append(refusal)
    return report


def _try(config: Config) -> tuple[Prepared | None, str | None]:
    """Returns the inputs of a training, or why it would be refused."""
    prepared = None
    try:
        prepared = prepare(config)
        label_weights(prepared.train, prepared.task.labels, config.training.class_weights)
    except UserError as error:
        return prepared, str(error)
    return prepared, None

"""Everything a training needs before its first step: rows, labels, vocabulary, complete configuration."""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf

from kerasbert import progress
from kerasbert.augmentation import augment_rows
from kerasbert.checkpoints import BackboneSource, RunDirectory, take_up
from kerasbert.config import Config, PretrainingConfig
from kerasbert.data import Rows
from kerasbert.data.batches import slices
from kerasbert.data.table import Table
from kerasbert.errors import ConfigError
from kerasbert.models import build_text_graph, complete_backbone_config
from kerasbert.tasks import Task
from kerasbert.text import SPECIAL_TOKENS, Vocabulary, learn_vocabulary
from kerasbert.training.best import monitor_of
from kerasbert.training.training_data import read_training_data


@dataclass(frozen=True)
class Prepared:
    """The inputs of a training. `config` is complete: nothing in it is left to a default."""

    config: Config
    task: Task
    vocabulary: Vocabulary
    source: BackboneSource | None  # None: from scratch
    train: Rows
    validation: Rows
    augmented: Rows = field(default_factory=Rows)  # more training rows
    unlabelled: Rows = field(default_factory=Rows)  # and more still, for a teacher to label
    tables: Mapping[str, Table] = field(default_factory=dict)  # rows from memory, by the files to write
    warnings: tuple[str, ...] = ()  # of the data


def prepare(config: Config, tables: Mapping[str, Table] | None = None) -> Prepared:
    """Reads the data and settles what the configuration leaves open.

    Args:
        config: the configuration.
        tables: rows in memory by the paths that `config` names them by, to be written there.

    Raises:
        UserError: the configuration or the data cannot be trained on; the message says why.
    """
    data = read_training_data(config, tables)
    task, train = data.task, data.train
    config = config.model_copy(deep=True)
    config.task_options = task.options.model_dump()
    config.run_dir = config.run_dir or new_run_dir(config)
    config.training.monitor = monitor_of(config)
    source, vocabulary, config = settle_encoder(config, task, train)
    graph = build_text_graph(config, task, vocabulary)
    with progress.phase("augmenting the training rows"):
        augmented = augment_rows(train, config.augmentation, config.training.seed, source, graph)
    return Prepared(
        config,
        task,
        vocabulary,
        source,
        train,
        data.validation,
        augmented,
        data.unlabelled,
        tables or {},
        data.warnings,
    )


def new_run_dir(config: Config | PretrainingConfig) -> str:
    """Returns where a run goes that was given no place."""
    if config.training.strategy == "multi_worker":
        raise ConfigError("run_dir: name one; all workers must see the same directory.")
    name = config.task if isinstance(config, Config) else "pretrain"
    path = f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    # Small trainings in a notebook may begin within a second of one another.
    names = itertools.chain([path], (f"{path}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not Path(name).exists())


def settle_encoder(
    config: Config, task: Task, rows: Rows
) -> tuple[BackboneSource | None, Vocabulary, Config]:
    """Returns the source of the encoder, the vocabulary, and `config`, changed in place, with its sizes."""
    max_length = config.training.max_length
    if config.backbone.source == "scratch":
        config.backbone = complete_backbone_config(config.backbone, max_length)
        source = None
        if config.distillation.teacher:
            teacher = RunDirectory(config.distillation.teacher)
            config.text, vocabulary = teacher.load_config().text, Vocabulary.load(teacher.vocabulary)
        elif config.text.vocabulary:
            vocabulary = Vocabulary.import_file(config.text.vocabulary)
        else:
            vocabulary = _learn(config, task, rows)
    else:
        if config.text.vocabulary:
            raise ConfigError(
                "text.vocabulary: can be set with backbone.source: scratch only; "
                f"{config.backbone.source} brings its own. Remove the key."
            )
        with progress.phase(f"loading {config.backbone.source}"):
            source, config.backbone = take_up(config.backbone)
        vocabulary = source.vocabulary
        config.text = config.text.model_copy(update=dict(source.text))
    if max_length > (config.backbone.max_positions or 0):
        raise ConfigError(
            f"training.max_length: must be at most {config.backbone.max_positions}, the positions of "
            f"the backbone. Received: {max_length}"
        )
    if (config.training.frozen_layers or 0) > (config.backbone.num_layers or 0):
        raise ConfigError(
            f"training.frozen_layers: must be at most {config.backbone.num_layers}, the layers of the "
            f"backbone. Received: {config.training.frozen_layers}"
        )
    if config.distillation.teacher:
        _require_pupil(config, task, vocabulary)
    return source, vocabulary, config


def _require_pupil(config: Config, task: Task, vocabulary: Vocabulary) -> None:
    """Raises `ConfigError` unless the teacher sees the same tokens and answers with the same labels."""
    run = RunDirectory(config.distillation.teacher or "")
    teacher = run.load_config()
    faults = {
        "has other labels": run.load_labels() != list(task.labels),
        "has another vocabulary": Vocabulary.load(run.vocabulary).tokens != vocabulary.tokens,
        "reads texts otherwise (text.lowercase, text.ascii_punctuation or text.added_tokens)": (
            teacher.text.tokenization != config.text.tokenization
        ),
        f"reads long texts otherwise (text.truncation: {teacher.text.truncation})": (
            teacher.text.truncation != config.text.truncation
        ),
        f"has positions for {teacher.backbone.max_positions} tokens only": (
            (teacher.backbone.max_positions or 0) < config.training.max_length
        ),
        "is of another task": teacher.task != config.task,
    }
    for fault, found in faults.items():
        if found:
            raise ConfigError(
                f"distillation.teacher: {run.path} {fault}. Train one that fits, or begin the student from "
                "scratch with the teacher's max_length."
            )


def _learn(config: Config, task: Task, rows: Rows) -> Vocabulary:
    graph = build_text_graph(config, task, Vocabulary(SPECIAL_TOKENS))
    words = (
        word.decode()
        for texts in (rows.texts, rows.pairs or [])
        for part in progress.track(slices(len(texts), 4096), "learning a vocabulary", unit="batches")
        for word in graph.words(_strings(texts[part])).flat_values.numpy()
    )
    return learn_vocabulary(words, config.text.vocabulary_size, config.text.min_count)


def _strings(texts: Sequence[str]) -> tf.Tensor:
    return tf.constant(list(texts), tf.string)

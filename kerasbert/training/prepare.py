"""Prepares a training: rows, labels, vocabulary and the resolved configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kerasbert import progress
from kerasbert.augmentation import augment_rows
from kerasbert.checkpoints import BackboneSource, RunDirectory, resolve_backbone
from kerasbert.config import Config, EncoderConfig, ResolvedConfig, TextConfig, merge, parse_config
from kerasbert.data import Rows
from kerasbert.data.batches import slices
from kerasbert.data.load import SoftRows
from kerasbert.data.table import Table
from kerasbert.engine.run import new_run_dir
from kerasbert.errors import ConfigError
from kerasbert.models import build_text_graph
from kerasbert.tasks import Task
from kerasbert.text import (
    SPECIAL_TOKENS,
    Vocabulary,
    WordPieceVocabulary,
    import_vocabulary,
    learn_vocabulary,
    string_tensor,
)
from kerasbert.training.monitor import monitor_of
from kerasbert.training.training_data import read_training_data


@dataclass(frozen=True)
class Prepared:
    """The inputs of a training."""

    config: ResolvedConfig
    task: Task
    vocabulary: Vocabulary
    source: BackboneSource | None  # None: from scratch
    train: Rows
    validation: Rows
    augmented: Rows = field(default_factory=Rows)  # more training rows
    unlabelled: Rows = field(default_factory=Rows)  # and more still, for a teacher to label
    soft: SoftRows = field(default_factory=SoftRows)  # with probabilities in the place of labels
    tables: Mapping[str, Table] = field(default_factory=dict)  # rows from memory, by the files to write
    warnings: tuple[str, ...] = ()  # of the data


def prepare(config: Config, tables: Mapping[str, Table] | None = None) -> Prepared:
    """Reads the data and resolves the configuration.

    Args:
        config: the configuration.
        tables: rows in memory by the paths that `config` names them by, to be written there.

    Raises:
        UserError: the configuration or the data cannot be trained on; the message says why.
    """
    data = read_training_data(config, tables)
    task, train = data.task, data.train
    run_dir = config.run_dir or new_run_dir(config.task, config.training)
    source, vocabulary, encoder, text = resolve_encoder(config, task, train)
    chosen = {
        "task_options": task.options.model_dump(),
        "run_dir": run_dir,
        "text": text.model_dump(),
        "backbone": encoder.model_dump(),
        "training": {"monitor": monitor_of(config)},
    }
    teacher = config.distillation.teacher
    where = f"with the text settings of {teacher}" if teacher else ""
    resolved = parse_config(ResolvedConfig, merge(config.model_dump(), chosen), where)
    if teacher:
        _require_pupil(resolved, RunDirectory(teacher), task, vocabulary)
    graph = build_text_graph(resolved, task, vocabulary)
    with progress.phase("augmenting the training rows"):
        augmented = augment_rows(train, resolved.augmentation, resolved.training.seed, source, graph)
    return Prepared(
        resolved,
        task,
        vocabulary,
        source,
        train,
        data.validation,
        augmented,
        data.unlabelled,
        data.soft,
        tables or {},
        data.warnings,
    )


def resolve_encoder(
    config: Config, task: Task, rows: Rows
) -> tuple[BackboneSource | None, Vocabulary, EncoderConfig, TextConfig]:
    """Returns the source of the encoder, None from scratch, its vocabulary, sizes and text settings."""
    if config.text.vocabulary and config.backbone.source != "scratch":
        raise ConfigError(
            "text.vocabulary: can be set with backbone.source: scratch only; "
            f"{config.backbone.source} brings its own. Remove the key."
        )
    max_length, frozen = config.training.max_length, config.training.frozen_layers or 0
    source, encoder = resolve_backbone(config.backbone, max_length)
    text = config.text
    if source:
        vocabulary, text = source.vocabulary, text.model_copy(update=dict(source.text))
    elif config.distillation.teacher:
        teacher = RunDirectory(config.distillation.teacher)
        text, vocabulary = teacher.load_config().text, teacher.load_vocabulary()
    elif text.vocabulary:
        vocabulary = import_vocabulary(text.vocabulary)
        if vocabulary.kind == "SentencePiece":  # normalises texts itself
            text = text.model_copy(update={"lowercase": False})
    else:
        vocabulary = _learn(config, task, rows)
    if max_length > encoder.max_positions:
        raise ConfigError(
            f"training.max_length: must be at most {encoder.max_positions}, the positions of "
            f"the backbone. Received: {max_length}"
        )
    if frozen > encoder.num_layers:
        raise ConfigError(
            f"training.frozen_layers: must be at most {encoder.num_layers}, the layers of the "
            f"backbone. Received: {frozen}"
        )
    return source, vocabulary, encoder, text


def _require_pupil(config: ResolvedConfig, run: RunDirectory, task: Task, vocabulary: Vocabulary) -> None:
    """Raises `ConfigError` unless a teacher sees the same tokens and answers with the same labels."""
    teacher = run.load_config()
    faults = {
        "has other labels": run.load_labels() != list(task.labels),
        "has another vocabulary": run.load_vocabulary().digest != vocabulary.digest,
        "reads texts otherwise (text.lowercase, text.ascii_punctuation or text.added_tokens)": (
            teacher.text.tokenization != config.text.tokenization
        ),
        f"reads long texts otherwise (text.truncation: {teacher.text.truncation})": (
            teacher.text.truncation != config.text.truncation
        ),
        f"splits texts otherwise (text.windows: {teacher.text.windows}, training.max_length: "
        f"{teacher.training.max_length})": (
            (teacher.text.windows, teacher.window_length) != (config.text.windows, config.window_length)
        ),
        f"has positions for {teacher.backbone.max_positions} tokens only": (
            teacher.backbone.max_positions < config.training.max_length
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
    graph = build_text_graph(config, task, WordPieceVocabulary(SPECIAL_TOKENS))
    words = (
        word.decode()
        for texts in (rows.texts, rows.pairs or [])
        for part in progress.track(slices(len(texts), 4096), "learning a vocabulary", unit="batches")
        for word in graph.words(string_tensor(texts[part])).flat_values.numpy()
    )
    return learn_vocabulary(words, config.text.vocabulary_size, config.text.min_count)

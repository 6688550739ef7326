"""Writing a version folder: staged, verified, then renamed into place."""

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from kerasbert import progress
from kerasbert.checkpoints import RunDirectory
from kerasbert.config import dump_yaml
from kerasbert.data.labels import write_labels
from kerasbert.deployment import (
    Memory,
    ServedVersions,
    changing,
    prune,
    write_server_files,
)
from kerasbert.errors import ConfigError, DataError, ExportError, UserError, require_count
from kerasbert.export.changes import LabelChanges, count_label_changes
from kerasbert.export.compatibility import refuse_breaking_changes
from kerasbert.export.signatures import OPTIONAL, build_signatures
from kerasbert.export.verify import verify
from kerasbert.export.warmup import warmup_requests, write_warmup
from kerasbert.files import make_directory, require_path, wrap_write_errors, write_text
from kerasbert.inference import InferenceClassifier
from kerasbert.interrupts import deferred, kept
from kerasbert.layout import (
    EXPORTED_CONFIG,
    EXPORTED_LABELS,
    EXTRA,
    LARGEST_VERSION,
    directory_size,
    version_folders,
)
from kerasbert.models import TextClassifier
from kerasbert.predictors.text_encoder import PRECISIONS

QUANTIZATIONS = (None, "int8")


@dataclass(frozen=True)
class Published:
    """An exported version."""

    path: Path
    version: int
    size: int  # bytes
    memory: int  # bytes, of the native process at its peak
    labels: list[str]
    removed: list[int]  # versions
    changes: LabelChanges | None  # by less than float32; None also where no rows can be read


def export_model(
    run: str | os.PathLike[str],
    model_dir: str | os.PathLike[str],
    version: int | None = None,
    precision: str = "float32",
    quantize: str | None = None,
    allow_breaking: bool = False,
    keep: int | None = None,
    signatures: Sequence[str] = (),
) -> Published:
    """Exports a run as a SavedModel, `model_dir/VERSION`.

    The version appears by one rename, after the native loader has answered in a process of its own
    what the trainer answers. A server that watches `model_dir` never sees a part of it. Then
    `model_dir/serving/models.config` serves it, and the server's other files are written if absent.

    Args:
        run: a finished run directory.
        model_dir: holds the versions of one model.
        version: a number. None: one more than the highest there.
        precision: of the encoder's weights and arithmetic: `float32` or `bfloat16`.
        quantize: `int8` for the encoder's dense layers, or None. The model then needs a CPU with oneDNN.
        allow_breaking: publish even what the users of the version before cannot use.
        keep: number of versions to keep; served ones are never removed. None: all.
        signatures: further ones to offer: `embed`, texts to vectors.

    Raises:
        UserError: the run cannot be loaded, the version exists, or it breaks its users.
        ExportError: the verification failed; nothing was published.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: must be one of {', '.join(PRECISIONS)}. Received: {precision!r}")
    if quantize not in QUANTIZATIONS:
        raise ConfigError(f"quantize: must be int8 or left out. Received: {quantize!r}")
    if version is not None:
        version = require_count(version, "version", LARGEST_VERSION, least=0)
    if keep is not None:
        keep = require_count(keep, "keep", LARGEST_VERSION)
    if not isinstance(signatures, list | tuple) or not set(OPTIONAL).issuperset(signatures):
        raise ConfigError(
            f"signatures: must be a list with some of {', '.join(OPTIONAL)}. Received: {signatures!r}"
        )
    run, base = require_path(run, "run"), Path(require_path(model_dir, "model_dir"))
    with progress.phase(f"loading {run}"):
        trainer = RunDirectory(run).load()
    make_directory(base)
    ServedVersions(base).require_changeable()  # a models.config that cannot be changed is refused at once
    folders = version_folders(base)
    highest = max(folders, default=None)
    number = (highest or 0) + 1 if version is None else version
    target = _require_free(number, base, folders)
    staging = base / f".staging-{uuid.uuid4().hex[:8]}"
    try:
        with kept("nothing was published"):
            with progress.phase("writing the SavedModel"), wrap_write_errors(base):
                _write(trainer, precision, quantize, signatures, staging)
            make_directory(staging / EXTRA)
            write_labels(staging / EXPORTED_LABELS, trainer.labels)
            if not allow_breaking:
                refuse_breaking_changes(staging, base)
            memory, changes = _verify(staging, trainer, quantize or precision)
            with wrap_write_errors(target):
                _flush(staging)
        with kept(f"{target} is published"), deferred():
            with wrap_write_errors(target):
                staging.rename(target)
            with changing(base) as served:
                before = set(served.numbers)
                served.publish(number, highest)
                write_server_files(base, served.name, memory)
    finally:
        with deferred():
            shutil.rmtree(staging, ignore_errors=True)
    # A server holds what it served before until it has read models.config.
    removed = [] if keep is None else prune(base, keep, {number, *before})
    labels = served.labels_of(number)
    return Published(target, number, directory_size(target), memory.peak, labels, removed, changes)


def _require_free(number: int, base: Path, folders: Mapping[int, Path]) -> Path:
    """Returns the folder of a new version."""
    target = folders.get(number, base / str(number))
    if target.exists():
        raise UserError(f"{target}: exists already. Choose another --version or leave it out.")
    return target


def _verify(staging: Path, trainer: TextClassifier, arithmetic: str) -> tuple[Memory, LabelChanges | None]:
    """Returns what the native loader took, and what less than float32 changes."""
    try:
        with progress.phase("verifying the export in the native loader"):
            memory = verify(staging, trainer, arithmetic)
        return memory, None if arithmetic == "float32" else _compare(staging, trainer)
    except ExportError as error:
        raise ExportError(f"not published: {error}") from error


def _compare(staging: Path, trainer: TextClassifier) -> LabelChanges | None:
    try:
        with progress.phase("counting the labels that change"):
            return count_label_changes(staging, trainer)
    except DataError as error:  # the version is as good as it would be with these rows
        progress.note(f"labels were not compared with float32: {error}")
        return None


def _write(
    trainer: TextClassifier, precision: str, quantize: str | None, more: Sequence[str], staging: Path
) -> None:
    classifier = InferenceClassifier(trainer, precision, quantize)
    signatures = build_signatures(classifier, more)
    try:
        # A server never trains: without this the file would hold the gradients too.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(classifier, str(staging), signatures, options)
        write_warmup(staging, warmup_requests(signatures, classifier.text_graph))
    except tf.errors.OpError as error:  # a full disk, for one
        raise OSError(error.message.rpartition(";")[2].strip()) from error
    write_text(staging / EXPORTED_CONFIG, dump_yaml(trainer.config.model_dump()))


def _flush(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())

"""Opens a run directory, an exported SavedModel, a server, or an encoder alone."""

import contextlib
import os
from pathlib import Path

from kerasbert import progress
from kerasbert.errors import CheckpointError, UserError
from kerasbert.files import require_path
from kerasbert.interrupts import deferred
from kerasbert.layout import RUN_CONFIG, is_version, version_folders
from kerasbert.predictors.model import Model
from kerasbert.predictors.text_encoder import PRECISIONS, TextEncoder
from kerasbert.startup import import_keras_for_a_command, quiet_import

_SERVERS = ("http://", "https://", "grpc://", "grpcs://")


def open_model(path: str | os.PathLike[str]) -> Model:
    """Opens a run directory, an exported model with or without the version folder, or a server's URL.

    Args:
        path: of a directory, or a URL: `http(s)://HOST[:PORT]/v1/models/NAME` for REST,
            `grpc(s)://HOST[:PORT]/NAME` for gRPC.

    Returns:
        An open model; see `kerasbert.Model` for its methods.

    Raises:
        CheckpointError: the path is neither a run nor an export, or it is damaged.
        UserError: `path` is not a path.
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.

    Examples:
        >>> model = kerasbert.open_model(run_dir)
        >>> model.labels
        ('negative', 'positive')
    """
    path = require_path(path, "path")
    if "://" in path:
        from kerasbert.predictors.served import ServedModel

        return ServedModel(path)
    path = Path(path)
    if (path / RUN_CONFIG).is_file():
        return _open_run(path)
    version = newest_version(path)
    if version is None:
        what = "there is no such directory" if not path.exists() else "it is neither"
        raise CheckpointError(f"{path}: must be a run directory or an exported model. Received: {what}.")
    # Without the imports of a run: an export needs no layers of Keras.
    with progress.phase("loading TensorFlow"), deferred(), quiet_import():
        from kerasbert.predictors.saved_model import SavedModel

    with progress.phase(f"loading {path}"):
        return SavedModel(version)


def open_for_few(path: str) -> Model:
    """Opens what `open_model` opens, for a command with few texts: soon, rather than for speed.

    An export is opened without importing TensorFlow, where that works, a run without tracing a graph.

    Raises: what `open_model` raises.
    """
    if "://" in path:
        return open_model(path)
    if (Path(path) / RUN_CONFIG).is_file():
        return _open_run(Path(path), for_few=True)
    if version := newest_version(Path(path)):
        from kerasbert.predictors.native_export import NativeExport

        with progress.phase(f"loading {path}"), contextlib.suppress(UserError):
            return NativeExport(version)
    return open_model(path)  # which says what is wrong


def _open_run(path: Path, for_few: bool = False, precision: str = "float32") -> Model:
    with progress.phase("loading TensorFlow"), deferred(), quiet_import():
        if for_few:
            import_keras_for_a_command()
        from kerasbert.checkpoints import RunDirectory
        from kerasbert.predictors.trained import TrainedModel

    with progress.phase(f"loading {path}"):
        return TrainedModel(RunDirectory(path).load(), str(path), precision=precision, eager=for_few)


def open_encoder(source: str | os.PathLike[str], precision: str | None = None) -> TextEncoder:
    """Opens whatever turns texts into vectors.

    Args:
        source: any value of `backbone.source`: the name of a bundled encoder, a Hugging Face folder or
            another checkpoint. Or what `open_model` takes: a run directory, whose fine-tuned encoder is
            used; an exported model or a server's URL, with the signature `embed`.
        precision: `float32`, the default, or `bfloat16`: products in bfloat16, normalisation and vectors in
            float32; faster on GPUs and on CPUs with `amx_bf16` or `avx512_bf16`. Exports have their own.

    Returns:
        An open encoder; see `kerasbert.TextEncoder.embed`.

    Raises:
        CheckpointError: there is no such source, or it is damaged.
        UserError: `source` is not a path, or it does not take this precision.
        AddressError: the URL is malformed, or the server has no such model.
        ServerError: the server cannot be reached.

    Examples:
        >>> encoder = kerasbert.open_encoder("kerasbert-tiny-zh")
        >>> vectors = encoder.embed(["今天天气很好", "天气真不错", "股票大跌"], normalize=True)
        >>> similar = vectors @ vectors.T
        >>> bool(similar[0, 1] > similar[0, 2])
        True
    """
    source = require_path(source, "source")
    if precision not in (None, *PRECISIONS):
        raise UserError(f"precision: must be one of {', '.join(PRECISIONS)}. Received: {precision!r}")
    is_run = (Path(source) / RUN_CONFIG).is_file()
    is_server = source.lower().startswith(_SERVERS)
    if is_server or (not is_run and newest_version(Path(source))):
        if precision:
            what = "a server" if is_server else "an export"
            raise UserError(
                f"precision: {source} is {what}, which has its own (kerasbert export --precision). Leave "
                "it out."
            )
        return open_model(source)
    precision = precision or "float32"
    if is_run:
        return _open_run(Path(source), precision=precision)
    with progress.phase("loading TensorFlow"), deferred(), quiet_import():
        from kerasbert.checkpoints import open_source
        from kerasbert.predictors.pretrained import PretrainedEncoder

    with progress.phase(f"loading {source}"):
        return PretrainedEncoder(open_source(source), source, precision)


def newest_version(path: Path) -> Path | None:
    """Returns `path` if it is a SavedModel, else its folder with the highest number, or None."""
    if is_version(path):
        return path
    versions = list(filter(is_version, version_folders(path).values()))
    return versions[-1] if versions else None

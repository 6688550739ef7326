"""Opens `backbone.source`, whatever its format."""

from dataclasses import replace
from pathlib import Path

import keras_nlp

from kerasbert import progress
from kerasbert.checkpoints.backbone_source import BackboneSource
from kerasbert.checkpoints.bert_config import read_json
from kerasbert.checkpoints.google_tf1 import is_google_tf1, read_google_tf1
from kerasbert.checkpoints.hugging_face import is_hugging_face, read_hugging_face
from kerasbert.checkpoints.run_directory import RunDirectory
from kerasbert.checkpoints.safetensors_files import WEIGHTS
from kerasbert.config import BackboneConfig, EncoderConfig
from kerasbert.errors import CheckpointError, ConfigError, UserError, one_line
from kerasbert.hub import fetch, find_backbone, is_address
from kerasbert.models import complete_backbone_config
from kerasbert.text import WordPieceVocabulary

__all__ = ["BackboneSource", "open_source", "resolve_backbone"]

_EXPECTED = (
    "Expected a run directory (config.yaml), a pre-training run or a Hugging Face folder (config.json, "
    "model.safetensors), a Google TF1 checkpoint (bert_config.json, *.ckpt.index), hf://OWNER/NAME, "
    "modelscope://OWNER/NAME or a keras-hub preset."
)


def open_source(source: str) -> BackboneSource:
    """Opens an encoder by path, by the name of a bundled one, by its address on a hub, or by keras-hub name.

    Raises:
        CheckpointError: there is no such source, it is damaged, or it is not a BERT that kerasbert can build.
    """
    try:
        return _open(source)
    except OSError as error:
        raise CheckpointError(f"{source}: cannot be read ({error.strerror or error}).") from error


def _open(source: str) -> BackboneSource:
    path = Path(source)
    if path.suffix == ".index" and path.is_file():
        path = path.with_suffix("")  # the prefix of a TF1 checkpoint
    installed = find_backbone(source)
    if installed:
        return read_hugging_face(installed.directory, source)
    if is_address(source):
        return _open_address(source)
    if RunDirectory.is_run(path):
        return _open_run(source)
    if (path / "pretrain.yaml").is_file() and not (path / WEIGHTS).is_file():
        raise CheckpointError(
            f"{source}: this pre-training did not finish. Continue with: kerasbert pretrain "
            f"{path / 'pretrain.yaml'} --resume --output {source}"
        )
    if not path.is_dir() and is_google_tf1(path):
        return read_google_tf1(path, source)
    if path.exists() and not path.is_dir():
        raise CheckpointError(f"{source}: must be a folder. {_EXPECTED}")
    if path.is_dir() and not _is_keras_hub_preset(path):
        if is_google_tf1(path):
            return read_google_tf1(path, source)
        if is_hugging_face(path):
            return read_hugging_face(path, source)
        raise CheckpointError(f"{source}: is no checkpoint that kerasbert knows. {_EXPECTED}")
    return _open_preset(source)


def resolve_backbone(config: BackboneConfig, max_length: int) -> tuple[BackboneSource | None, EncoderConfig]:
    """Opens the source of an encoder and resolves its configuration.

    Args:
        config: of the encoder.
        max_length: of the inputs: by default the positions of an encoder from scratch.

    Returns:
        The source, None from scratch, and the complete configuration.

    Raises:
        UserError: the source cannot be opened, or `config` sets what the source brings.
    """
    if config.source == "scratch":
        return None, complete_backbone_config(config, max_length)
    try:
        with progress.phase(f"loading {config.source}"):
            source = open_source(config.source)
    except UserError as error:
        raise type(error)(f"backbone.source: {error}") from error
    # The source names itself: of a hub, the commit that was fetched.
    brought = source.config.model_copy(update={"dropout": config.dropout})
    # The configuration of a run names what its source brings.
    other = [
        f"backbone.{name}"
        for name, value in config.model_dump(exclude={"source"}).items()
        if value is not None and value != getattr(brought, name)
    ]
    if other:
        raise ConfigError(
            f"{', '.join(other)}: can be set with backbone.source: scratch only; {config.source} brings its "
            "own. Remove the key."
        )
    return source, brought


def _open_run(source: str) -> BackboneSource:
    classifier = RunDirectory(source).load()
    text = classifier.config.text.tokenization
    config = classifier.config.backbone.model_copy(update={"source": source})
    return BackboneSource(
        classifier.model.encoder,
        classifier.text_graph.vocabulary,
        config,
        text,
        format="kerasbert run",
        notes=("its classifier stayed behind",),
    )


def _open_address(source: str) -> BackboneSource:
    snapshot = fetch(source)
    try:
        opened = read_hugging_face(snapshot.directory, str(snapshot.address))
    except CheckpointError as error:
        raise CheckpointError(f"{snapshot.address}: {error}") from error
    return replace(opened, notes=(*snapshot.notes, *opened.notes))


def _is_keras_hub_preset(path: Path) -> bool:
    config = path / "config.json"
    if not config.is_file() or (path / "bert_config.json").is_file():
        return False
    return "class_name" in read_json(config)


def _open_preset(source: str) -> BackboneSource:
    try:
        backbone = keras_nlp.models.BertBackbone.from_preset(source)
        tokenizer = keras_nlp.models.BertTokenizer.from_preset(source)
    except Exception as error:  # keras-hub and its download clients raise many kinds
        hub = f"Of the Hugging Face Hub: hf://{source}. " if source.count("/") == 1 else ""
        raise CheckpointError(
            f"{source!r} cannot be loaded as a BERT preset of keras-hub ({one_line(error)}). {hub}{_EXPECTED}"
        ) from error
    vocabulary = WordPieceVocabulary(tokenizer.get_vocabulary())
    if len(vocabulary) != backbone.vocabulary_size:
        raise CheckpointError(
            f"{source!r} has a vocabulary of {len(vocabulary)} tokens, but embeddings of "
            f"{backbone.vocabulary_size}."
        )
    if backbone.num_segments != 2:
        raise CheckpointError(f"{source!r} must have 2 segments. Received: {backbone.num_segments}")
    names = ("num_layers", "hidden_dim", "num_heads", "intermediate_dim", "dropout")
    config = EncoderConfig(
        source=source,
        max_positions=backbone.max_sequence_length,
        activation="gelu_tanh",  # the only one that keras-hub's BERT has
        **{name: getattr(backbone, name) for name in names},
    )
    return BackboneSource(backbone, vocabulary, config, {"lowercase": bool(tokenizer.lowercase)})

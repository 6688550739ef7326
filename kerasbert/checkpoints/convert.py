"""Imports, exports and describes checkpoints."""

from pathlib import Path
from typing import Any

from kerasbert.checkpoints.backbone_source import count_parameters
from kerasbert.checkpoints.hugging_face import Classes, save_hugging_face
from kerasbert.checkpoints.resize import resize_positions
from kerasbert.checkpoints.run_directory import RunDirectory
from kerasbert.checkpoints.source import open_source
from kerasbert.checkpoints.tensor_names import HEADS
from kerasbert.config import Config, TextConfig
from kerasbert.errors import CheckpointError
from kerasbert.files import new_directory, require_new_directory
from kerasbert.models import TextClassifier
from kerasbert.tasks import Task

_BACKBONE_ALONE = "export the backbone alone (--backbone-only)"


def import_checkpoint(
    source: str,
    directory: str | Path,
    positions: int | None = None,
    dtype: str = "float32",
) -> list[str]:
    """Writes any source as a Hugging Face folder: the backbone, and its pre-training heads if it has any.

    Args:
        source: as in `backbone.source`.
        directory: where to; must be new or empty.
        positions: rows of the position table. None: as they are.
        dtype: float32 or float16, of the numbers in the file.

    Returns:
        Sentences on what is not as in the source.
    """
    require_new_directory(Path(directory))
    opened = open_source(source)
    notes = list(opened.notes)
    config, weights = opened.config, opened.weights
    if positions is not None:
        weights = resize_positions(weights, positions)
        config = config.model_copy(update={"max_positions": positions})
        notes.append(f"{positions} positions instead of {opened.config.max_positions}")
    with new_directory(Path(directory)) as staging:
        save_hugging_face(staging, weights, config, TextConfig(**opened.text), opened.vocabulary, dtype=dtype)
    return notes


def export_run(
    run: str | Path, directory: str | Path, backbone_only: bool = False, dtype: str = "float32"
) -> list[str]:
    """Writes a finished run as a Hugging Face folder: BertForSequenceClassification, or BertModel.

    Args:
        run: a run directory.
        directory: where to; must be new or empty.
        backbone_only: leave the classifier out.
        dtype: float32 or float16, of the numbers in the file.

    Returns:
        Sentences on what Transformers will not do as the run does.
    """
    require_new_directory(Path(directory))
    if (Path(run) / "pretrain.yaml").is_file():
        raise CheckpointError(f"{run}: is a pre-training, whose directory is a Hugging Face folder already.")
    classifier = RunDirectory(run).load()
    config = classifier.config
    classes = None
    if backbone_only:
        model = classifier.model.encoder
    else:
        fault = why_no_export(config, classifier.task)
        if fault:
            raise CheckpointError(f"{run}: {fault}")
        model = classifier.model
        several = classifier.task.label_separator is not None
        classes = Classes(classifier.labels, several, config.training.max_length)
    with new_directory(Path(directory)) as staging:
        vocabulary = classifier.text_graph.vocabulary
        save_hugging_face(staging, model, config.backbone, config.text, vocabulary, dtype, classes)
    return _what_transformers_lacks(classifier)


def describe_source(source: str) -> dict[str, Any]:
    """Returns a description of a source as JSON-ready values."""
    opened = open_source(source)
    config = opened.config
    return {
        "source": config.source,
        "format": opened.format,
        "num_layers": config.num_layers,
        "hidden_dim": config.hidden_dim,
        "num_heads": config.num_heads,
        "intermediate_dim": config.intermediate_dim,
        "max_positions": config.max_positions,
        "activation": config.activation,
        "layer_norm_epsilon": config.layer_norm_epsilon,
        "vocabulary": opened.vocabulary.kind,
        "vocabulary_size": len(opened.vocabulary),
        "lowercase": opened.text["lowercase"],
        "ascii_punctuation": opened.text.get("ascii_punctuation", False),
        "heads": {name: name in opened.head_names for name in HEADS},
        "pooler": not opened.missing,
        "parameters": count_parameters(opened.weights),
        "dtype": opened.dtype,
        "added_tokens": len(opened.added_tokens),
        "left_aside": list(opened.left_aside),
        "notes": list(opened.notes),
    }


def why_no_export(config: Config, task: Task) -> str | None:
    """Returns why a run cannot become a BertForSequenceClassification and what to do, or None if it can."""
    if type(task).head is not Task.head:
        return (
            f"the task {config.task} has a head of its own, which Transformers does not know. What can be "
            f"done: {_BACKBONE_ALONE}."
        )
    if config.head.pooling != "cls":
        return (
            f"head.pooling must be cls, which is all that BertForSequenceClassification computes. Received: "
            f"{config.head.pooling}. Train with head.pooling=cls, or {_BACKBONE_ALONE}."
        )
    return None


def _what_transformers_lacks(classifier: TextClassifier) -> list[str]:
    notes = []
    if classifier.config.text.ascii_punctuation:
        notes.append("Transformers will not map punctuation to ASCII (text.ascii_punctuation): do it before")
    if classifier.config.text.truncation != "head":
        notes.append(
            "Transformers will read the head of a long text, not what text.truncation says: cut it before"
        )
    if classifier.config.text.windows > 1:
        notes.append(
            "Transformers will read the head of a long text, not its windows (text.windows): split it before"
        )
    if type(classifier.task).clean is not Task.clean:
        notes.append(
            f"Transformers will not clean texts as the task {classifier.config.task} does: do it before"
        )
    return notes

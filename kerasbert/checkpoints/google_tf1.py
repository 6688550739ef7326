"""Google's TF1 checkpoints: `bert_config.json`, `bert_model.ckpt.*`, `vocab.txt`."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kerasbert.checkpoints.backbone_source import BackboneSource, fill_source
from kerasbert.checkpoints.bert_config import read_bert_config
from kerasbert.checkpoints.tensor_names import without_wrapper
from kerasbert.errors import CheckpointError, one_line
from kerasbert.text import Vocabulary, WordPieceVocabulary

_INDEX = re.compile(r"(.+\.ckpt(-\d+)?)\.index")
_STATE = "checkpoint"  # the file in which TensorFlow notes the newest checkpoint
# The kinds of error that TensorFlow's reader raises.
_DAMAGE = (tf.errors.OpError, RuntimeError, ValueError, IndexError)
_TASK_HEADS = ("output_weights", "output_bias", "cls/squad/output_weights", "cls/squad/output_bias")


def is_google_tf1(path: Path) -> bool:
    """Whether `path` is the prefix or the folder of a TF1 checkpoint, possibly beside newer files."""
    if not path.is_dir():
        return path.with_name(f"{path.name}.index").is_file()
    if any(path.glob("*.safetensors")):
        return False
    newer = any(path.glob("pytorch_model*.bin")) or (path / "config.json").is_file()
    return bool(_prefixes(path)) or (any(path.glob("bert_config*.json")) and not newer)


def read_google_tf1(path: Path, source: str) -> BackboneSource:
    """Reads the encoder, and the pre-training heads if there are any.

    Args:
        path: the folder, or the prefix of the checkpoint in it.
        source: as the user gave it.

    Raises:
        CheckpointError: a file is missing or damaged, or the model is not a BERT that kerasbert can build.
    """
    directory = path if path.is_dir() else path.parent
    settings = _only_config(directory)
    config = read_bert_config(settings, source)
    prefix = _newest(directory) if path.is_dir() else path
    vocabulary = WordPieceVocabulary.import_file(directory / "vocab.txt")
    shapes, dtypes, reader = _open(prefix)
    names: dict[str, str] = {}
    for name in shapes:
        if names.setdefault(without_wrapper(name, "/"), name) != name:
            raise CheckpointError(f"{prefix}: {name} is in it twice, with and without what wraps the model.")
    left_aside = _left_aside(shapes)
    kept = {usual: name for usual, name in names.items() if name not in left_aside}
    task_head = [name for name in _TASK_HEADS if kept.pop(name, None) is not None]
    notes = [f"{', '.join(task_head)} stayed behind: the head of another task"] if task_head else []
    if path.is_dir() and len(_prefixes(directory)) > 1:
        notes.append(f"of several checkpoints there, {prefix.name} was read: the file {_STATE} names it")

    def read(usual: str) -> np.ndarray:
        try:
            return reader.get_tensor(kept[usual])
        except _DAMAGE as error:
            raise CheckpointError(_damaged(prefix, error)) from error

    return fill_source(
        str(prefix),
        {usual: shapes[name] for usual, name in kept.items()},
        read,
        "tf1",
        config,
        vocabulary,
        config_file=settings,
        text={"lowercase": _looks_uncased(vocabulary), "ascii_punctuation": False},
        format="Google TF1 checkpoint",
        dtype=", ".join(sorted({dtypes[name].name for name in kept.values()})),
        left_aside=_summary(left_aside),
        notes=notes,
    )


def _prefixes(directory: Path) -> list[str]:
    found = (_INDEX.fullmatch(path.name) for path in directory.glob("*.index"))
    return sorted(match[1] for match in found if match)


def _only_config(directory: Path) -> Path:
    usual = directory / "bert_config.json"
    found = [usual] if usual.is_file() else sorted(directory.glob("bert_config*.json"))
    if not found and (directory / "config.json").is_file():
        found = [directory / "config.json"]
    if len(found) != 1:
        raise CheckpointError(
            f"{directory}: must hold exactly one bert_config*.json. "
            f"Received: {', '.join(path.name for path in found) or 'none'}"
        )
    return found[0]


def _newest(directory: Path) -> Path:
    """Returns the prefix of the only checkpoint of a folder, or of the newest one according to TensorFlow."""
    found = _prefixes(directory)
    noted = _noted(directory)
    if len(found) != 1 and noted not in found:
        raise CheckpointError(
            f"{directory}: must hold exactly one *.ckpt.index, or a file {_STATE} that names one. Received: "
            + (", ".join(f"{name}.index" for name in found) or "none")
            + (f". Name the one that you mean: {directory / found[-1]}" if found else "")
        )
    return directory / (found[0] if len(found) == 1 else str(noted))


def _noted(directory: Path) -> str | None:
    try:
        text = (directory / _STATE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r'^model_checkpoint_path:\s*"(.*)"', text, re.MULTILINE)
    return Path(found[1]).name if found else None  # its directory is that of the machine it was trained on


def _left_aside(shapes: dict[str, tuple[int, ...]]) -> set[str]:
    """Returns the variables of an optimizer: slots, which are named below a weight, and scalars."""
    return {name for name, shape in shapes.items() if not shape or name.rpartition("/")[0] in shapes}


def _summary(names: set[str]) -> tuple[str, ...]:
    """Returns the names of the scalars, and the number of slots of each kind."""
    slots = Counter(name.rpartition("/")[2] for name in names if name.rpartition("/")[0])
    alone = sorted(name for name in names if not name.rpartition("/")[0])
    return (*alone, *(f"{count} of */{slot}" for slot, count in sorted(slots.items())))


def _open(prefix: Path) -> tuple[dict[str, tuple[int, ...]], Mapping[str, tf.DType], Any]:
    """Returns the shapes and types of the tensors by name, and what reads them."""
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
        return shapes, reader.get_variable_to_dtype_map(), reader
    except _DAMAGE as error:
        raise CheckpointError(_damaged(prefix, error)) from error


def _damaged(prefix: Path, error: Exception) -> str:
    return f"{prefix}: is damaged or incomplete ({one_line(error, 200)}). Fetch it again."


def _looks_uncased(vocabulary: Vocabulary) -> bool:
    """Whether no word has an upper-case ASCII letter. The files do not say if the model is cased.

    Tokens with punctuation, such as `[CLS]` and the `<S>` of Google's Chinese vocabulary, do not count.
    """
    words = (token for token in vocabulary.tokens if token.removeprefix("##").isalnum())
    return not any("A" <= letter <= "Z" for word in words for letter in word)

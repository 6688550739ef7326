"""Google's TF1 checkpoints: `bert_config.json`, `bert_model.ckpt.*`, `vocab.txt`."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasbert.checkpoints.backbone_source import BackboneSource, fill_source
from kerasbert.checkpoints.bert_config import read_bert_config, require_vocabulary_size
from kerasbert.errors import CheckpointError, one_line
from kerasbert.text import Vocabulary

_INDEX = ".ckpt.index"
# What an optimizer keeps for each weight, and its counter.
_SLOTS = ("/adam_m", "/adam_v", "/lamb_m", "/lamb_v")
_COUNTER = "global_step"
# The kinds of error that TensorFlow's reader raises.
_DAMAGE = (tf.errors.OpError, RuntimeError, ValueError, IndexError)
_TASK_HEAD = ("output_weights", "output_bias")


def is_google_tf1(directory: Path) -> bool:
    """Whether the folder looks like a TF1 checkpoint; some lie in one folder with newer files."""
    if any(directory.glob("*.safetensors")):
        return False
    has_config, has_newer = ((directory / n).is_file() for n in ("bert_config.json", "config.json"))
    return any(directory.glob(f"*{_INDEX}")) or (has_config and not has_newer)


def read_google_tf1(directory: Path, source: str) -> BackboneSource:
    """Reads the encoder, and the pre-training heads if there are any.

    Raises:
        CheckpointError: a file is missing or damaged, or it is no BERT that kerasbert can build.
    """
    settings = directory / "bert_config.json"
    config = read_bert_config(settings, source)
    found = sorted(path.name for path in directory.glob(f"*{_INDEX}"))
    if len(found) != 1:
        raise CheckpointError(
            f"{directory}: must hold exactly one *{_INDEX}. Received: {', '.join(found) or 'none'}"
        )
    prefix = directory / found[0].removesuffix(".index")
    vocabulary = Vocabulary.load(directory / "vocab.txt")
    require_vocabulary_size(settings, len(vocabulary))
    shapes, dtypes, reader = _open(prefix)
    for name in list(shapes):
        if name.endswith(_SLOTS) or name == _COUNTER:
            del shapes[name]
    task_head = [name for name in _TASK_HEAD if shapes.pop(name, None) is not None]
    kept = sorted({dtypes[name].name for name in shapes})

    def read(name: str) -> np.ndarray:
        try:
            return reader.get_tensor(name)
        except _DAMAGE as error:
            raise CheckpointError(_damaged(prefix, error)) from error

    return fill_source(
        str(prefix),
        shapes,
        read,
        "tf1",
        config,
        vocabulary,
        text={"lowercase": _looks_uncased(vocabulary), "ascii_punctuation": False},
        format="Google TF1 checkpoint",
        dtype=", ".join(kept),
        notes=[f"{', '.join(task_head)} stayed behind: the head of another task"] if task_head else [],
    )


def _open(prefix: Path):
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
        return shapes, reader.get_variable_to_dtype_map(), reader
    except _DAMAGE as error:
        raise CheckpointError(_damaged(prefix, error)) from error


def _damaged(prefix: Path, error: Exception) -> str:
    reason = one_line(error)
    return f"{prefix}: is damaged or incomplete ({reason}). Fetch it again."


def _looks_uncased(vocabulary: Vocabulary) -> bool:
    """Whether no word has an upper-case ASCII letter; the files do not record the case.

    Words have no punctuation in them; `[CLS]` and the `<S>` of Google's Chinese vocabulary are no words.
    """
    words = (token for token in vocabulary.tokens if token.removeprefix("##").isalnum())
    return not any("A" <= letter <= "Z" for word in words for letter in word)

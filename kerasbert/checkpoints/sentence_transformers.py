"""How Sentence Transformers makes vectors of an encoder's outputs, as a folder of it says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasbert.checkpoints.bert_config import read_json
from kerasbert.errors import CheckpointError
from kerasbert.hub.snapshot import VECTOR_FILES

_MODULES, _POOLING, _LENGTH = VECTOR_FILES
_OLD_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
}
# Normalize changes no direction: whoever wants it asks for it.
_KNOWN = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True)
class VectorSettings:
    """How to make a vector.

    Attributes:
        pooling: `mean`, `cls` or `max`; None where the folder asks for something else.
        max_length: maximum number of tokens of a text, if the folder says it.
        reason: what it asks for, if `pooling` is None.
    """

    pooling: str | None = "mean"
    max_length: int | None = None
    reason: str = ""


def read_vector_settings(directory: Path | None) -> VectorSettings:
    """Returns the settings of a folder that Sentence Transformers saved, or those of any other encoder.

    Raises:
        CheckpointError: one of its files is damaged.
    """
    if directory is None or not (directory / _MODULES).is_file():
        return VectorSettings()
    length = _number(directory / _LENGTH, "max_seq_length")
    length = length or _number(directory / "tokenizer_config.json", "model_max_length")
    kinds = _module_kinds(directory / _MODULES)
    strange = [kind for kind in kinds if kind not in _KNOWN]
    if strange:
        return VectorSettings(None, length, f"its {_MODULES} has a module {', '.join(strange)}")
    if "Pooling" not in kinds or not (directory / _POOLING).is_file():
        return VectorSettings(None, length, f"it has a {_MODULES}, but no {_POOLING}")
    values = read_json(directory / _POOLING)
    modes = _modes(values)
    if len(modes) != 1 or modes[0] not in _OLD_KEYS.values():
        return VectorSettings(None, length, f"its {_POOLING} asks for {' and '.join(modes) or 'none'}")
    return VectorSettings(modes[0], length)


def _module_kinds(path: Path) -> list[str]:
    """Returns the names of the classes, without their modules."""
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        return [str(module["type"]).rpartition(".")[2] for module in modules]
    except (OSError, ValueError, RecursionError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path}: cannot be read as the modules of Sentence Transformers.") from error


def _modes(values: dict[str, Any]) -> list[str]:
    if "pooling_mode" in values:  # in later versions
        mode = values["pooling_mode"]
        return [str(each) for each in (mode if isinstance(mode, list) else [mode])]
    wanted = [key for key, on in values.items() if key.startswith("pooling_mode_") and on is True]
    return [_OLD_KEYS.get(key, key) for key in wanted]


def _number(path: Path, key: str) -> int | None:
    length = read_json(path).get(key) if path.is_file() else None
    return length if type(length) is int and length > 2 else None

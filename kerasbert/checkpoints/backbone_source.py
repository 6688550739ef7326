"""A pretrained encoder with its vocabulary, whatever format it came in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import keras_nlp
import numpy as np

from kerasbert.checkpoints.bert_config import require_vocabulary_size
from kerasbert.checkpoints.tensor_names import (
    HEADS,
    OF_TOKENS,
    Format,
    Shapes,
    backbone_shapes,
    file_name,
    from_file,
    head_shapes,
    require_partners,
)
from kerasbert.config import EncoderConfig
from kerasbert.errors import CheckpointError
from kerasbert.models import build_backbone
from kerasbert.text import Vocabulary

_POOLER = "pooled_dense/"


@dataclass(frozen=True)
class BackboneSource:
    """A pretrained encoder, and the settings that fine-tuning must keep."""

    backbone: keras_nlp.models.BertBackbone
    vocabulary: Vocabulary
    config: EncoderConfig
    text: Mapping[str, Any]  # settings of the text section
    heads: Mapping[str, np.ndarray] = field(default_factory=dict)  # of pre-training, by Keras path
    format: str = "keras-hub preset"
    dtype: str = "float32"  # in the file
    missing: tuple[str, ...] = ()  # weights of the backbone that the source lacks; initialised at random
    left_aside: tuple[str, ...] = ()  # tensors that belong to no model, such as an optimizer's
    notes: tuple[str, ...] = ()  # sentences for the user
    directory: Path | None = None  # of a Hugging Face folder

    def copy_to(self, backbone: keras_nlp.models.BertBackbone) -> None:
        """Copies all but the missing weights into a backbone of the same sizes."""
        for new, old in zip(backbone.weights, self.backbone.weights, strict=True):
            if old.path not in self.missing:
                new.assign(old)

    def copy_heads_to(self, model: keras.Model) -> list[str]:
        """Copies the pre-training heads that both sides have; returns which of `HEADS` these are."""
        names = {layer.name for layer in model.layers}
        copied = [name for name in self.head_names if name in names]
        for weight in model.weights:
            if weight.path.split("/")[0] in copied:
                weight.assign(self.heads[weight.path])
        return copied

    @property
    def head_names(self) -> list[str]:
        """Which of `HEADS` the source has."""
        return [name for name in HEADS if any(path.startswith(f"{name}/") for path in self.heads)]

    @property
    def added_tokens(self) -> list[str]:
        """Tokens that are never split."""
        return [token for key in ("added_tokens", "special_tokens") for token in self.text.get(key, ())]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The weights that the source has, those of the heads included, by Keras path."""
        backbone = {weight.path: weight.numpy() for weight in self.backbone.weights}
        return {**{path: w for path, w in backbone.items() if path not in self.missing}, **self.heads}


def count_parameters(weights: Mapping[str, np.ndarray]) -> int:
    """Returns the number of parameters in weights."""
    return sum(weight.size for weight in weights.values())


def fill_source(
    where: str,
    stored: Shapes,
    read: Callable[[str], np.ndarray],
    form: Format,
    config: EncoderConfig,
    vocabulary: Vocabulary,
    config_file: Path,
    **settings: Any,
) -> BackboneSource:
    """Returns a source filled from the tensors of a file, which must match the weights one to one.

    Rows of the token embedding beyond the vocabulary, which round its size up, are left behind.

    Args:
        where: the file, for messages.
        stored: shapes by tensor name, without what is left out on purpose.
        read: returns a tensor by its name.
        form: whose names these are.
        config: of the encoder.
        vocabulary: of the file.
        config_file: that `config` was read from.
        **settings: for `BackboneSource`.
    """
    tokens = len(vocabulary)
    rows = next(iter(stored.get(file_name(OF_TOKENS[0], form), (tokens,))), tokens)
    require_vocabulary_size(config_file, tokens, rows)
    if config.num_layers > len(stored):
        raise CheckpointError(
            f"{where}: holds {len(stored)} tensors, too few for the {config.num_layers} layers of "
            f"{config_file}."
        )
    # Checked before anything is built: absurd sizes would exhaust the memory.
    shapes = backbone_shapes(config, rows)
    heads = head_shapes(config, rows)
    stored_heads = [
        name
        for name in HEADS
        if any(file_name(path, form) in stored for path in heads if path.startswith(f"{name}/"))
    ]
    wanted = {**shapes, **{path: s for path, s in heads.items() if path.split("/")[0] in stored_heads}}
    pooler = [path for path in shapes if path.startswith(_POOLER)]
    missing: list[str] = []
    notes = list(settings.pop("notes", ()))
    # Most encoders have none: masked LM does not use [CLS]. Next sentence prediction does.
    if "nsp_head" not in stored_heads and not any(file_name(path, form) in stored for path in pooler):
        missing = pooler
        wanted = {path: shape for path, shape in wanted.items() if path not in pooler}
        notes.append(
            "there is no pooler in it: a new one starts at random; with head.pooling mean none is used"
        )
    require_partners(where, wanted, stored, form)
    if rows > tokens:
        notes.append(f"{rows - tokens} rows of its token embedding, beyond the vocabulary, stayed behind")

    backbone = build_backbone(config, tokens)
    weights = {weight.path: weight for weight in backbone.weights}
    of_heads: dict[str, np.ndarray] = {}
    for path, shape in wanted.items():
        tensor = _tensor(where, read, path, shape, form)
        if path in OF_TOKENS:
            tensor = tensor[:tokens]
        if path in weights:
            weights[path].assign(tensor)
        else:
            of_heads[path] = tensor
    return BackboneSource(
        backbone, vocabulary, config, heads=of_heads, missing=tuple(missing), notes=tuple(notes), **settings
    )


def _tensor(
    where: str, read: Callable[[str], np.ndarray], path: str, shape: tuple[int, ...], form: Format
) -> np.ndarray:
    """Returns the weight at a Keras path, read from its tensor in a file."""
    name = file_name(path, form)
    with np.errstate(over="ignore"):  # a float64 too large for float32 becomes infinite
        tensor = from_file(path, read(name), shape, form)
    if not np.isfinite(tensor).all():
        raise CheckpointError(
            f"{where}: {name} holds numbers that are not finite. The file is of a training that failed, or "
            "damaged: take another."
        )
    return tensor

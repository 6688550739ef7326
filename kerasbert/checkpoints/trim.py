"""Cuts an encoder down to the tokens that texts use, and to its first layers."""

import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.checkpoints.backbone_source import count_parameters
from kerasbert.checkpoints.hugging_face import save_hugging_face
from kerasbert.checkpoints.resize import count_tokens, keep_layers, keep_tokens
from kerasbert.checkpoints.source import open_source
from kerasbert.config import DataConfig, TextConfig
from kerasbert.data.read_options import ReadOptions
from kerasbert.data.source import require_files
from kerasbert.errors import DataError, UserError
from kerasbert.files import new_directory, require_new_directory
from kerasbert.text import Vocabulary

_ASCII = string.ascii_letters + string.digits + string.punctuation


def trim_checkpoint(
    source: str,
    directory: str | Path,
    texts: Sequence[str],
    min_count: int = 1,
    layers: int | None = None,
    reading: ReadOptions | None = None,
) -> dict[str, Any]:
    """Writes a source as a Hugging Face folder with the tokens of texts, and the first layers, only.

    What stays: special and added tokens; tokens that occur at least `min_count` times; and the single
    characters of the texts and of ASCII, which all other words are split into. Texts of these tokens are
    split as before and get, with all layers, bitwise the same hidden states.

    Args:
        source: as in `backbone.source`.
        directory: where to; must be new or empty.
        texts: files as `read_rows` takes them without labels.
        min_count: tokens that occur less often are left out.
        layers: how many of the first layers stay. None: all.
        reading: columns and encoding of the files.

    Returns:
        JSON-ready values: `texts` and `tokens`, how many were read; `coverage`, the share of these tokens
        that stay; `unseen`, an estimate of the share of tokens in other texts of their kind that do not
        (Good 1953, https://doi.org/10.1093/biomet/40.3-4.237); `before` and `after`, each with
        `vocabulary_size`, `num_layers`, `parameters` and `unknown`, the share of tokens that are unknown;
        `notes`, sentences for the user.

    Raises:
        UserError: a file cannot be read, there is no text in them, or there are fewer layers.
    """
    require_new_directory(Path(directory))
    require_files(texts)
    opened = open_source(source)
    old, config, weights, notes = opened.vocabulary, opened.config, opened.weights, list(opened.notes)
    depth = config.num_layers if layers is None else layers
    if not 1 <= depth <= config.num_layers:
        raise UserError(
            f"--layers: must be from 1 to {config.num_layers}, those of {source}. Received: {depth}"
        )
    columns = replace((reading or ReadOptions()).columns(DataConfig()), label=None)
    counts, number = count_tokens(texts, columns, old, opened.text)
    total = int(counts.sum())
    if not total:
        raise DataError(f"there is no text in {', '.join(texts)}.")
    ids = np.union1d(np.flatnonzero(counts >= min_count), _characters(old, np.flatnonzero(counts)))
    weights, vocabulary = keep_tokens(weights, old, ids, opened.added_tokens)
    coverage = int(counts[[old.ids[token] for token in vocabulary.tokens]].sum()) / total
    unknown = counts[old.unk] / total
    unknown_after = unknown
    if coverage < 1:  # some of the texts are split otherwise now
        after, _ = count_tokens(texts, columns, vocabulary, opened.text)
        unknown_after = after[vocabulary.unk] / after.sum()
    if depth < config.num_layers:
        weights = keep_layers(weights, depth)
        if opened.head_names or not opened.missing:
            notes.append(
                f"its pooler and heads were trained on layer {config.num_layers}, which is not there"
            )
    parameters = count_parameters(opened.weights)
    trimmed = config.model_copy(update={"num_layers": depth})
    with new_directory(Path(directory)) as staging:
        save_hugging_face(staging, weights, trimmed, TextConfig(**opened.text), vocabulary)
    return {
        "source": source,
        "directory": str(directory),
        "texts": number,
        "tokens": total,
        "coverage": coverage,
        "unseen": min(1.0, int((counts == 1).sum()) / total + 1 - coverage),
        "before": _described(old, config.num_layers, parameters, unknown),
        "after": _described(vocabulary, depth, count_parameters(weights), unknown_after),
        "notes": notes,
    }


def _characters(vocabulary: Vocabulary, ids: np.ndarray) -> np.ndarray:
    """Returns the ids of single characters, alone or after ##, that are in the tokens `ids` or in ASCII."""
    found = set(_ASCII).union(*(vocabulary.tokens[index] for index in ids))
    bare = (token.removeprefix("##") for token in vocabulary.tokens)
    return np.array([id for id, token in enumerate(bare) if len(token) == 1 and token in found], np.int64)


def _described(vocabulary: Vocabulary, layers: int, parameters: int, unknown: float) -> dict[str, Any]:
    return {
        "vocabulary_size": len(vocabulary),
        "num_layers": layers,
        "parameters": parameters,
        "unknown": float(unknown),
    }

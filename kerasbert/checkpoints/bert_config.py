"""Converts between BERT's JSON configuration, as Google and Hugging Face write it, and ours."""

import json
from pathlib import Path
from typing import Any

from kerasbert.checkpoints.families import find_family, in_bert_keys
from kerasbert.config import EncoderConfig, parse_config
from kerasbert.errors import CheckpointError

_SIZES = {
    "num_layers": "num_hidden_layers",
    "hidden_dim": "hidden_size",
    "num_heads": "num_attention_heads",
    "intermediate_dim": "intermediate_size",
    "max_positions": "max_position_embeddings",
}
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
# Keys of other architectures, with the only value that is supported.
_FIXED = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "quantization_config": None,
}

_PADDING = 1024  # embeddings are rounded up to a multiple of 8 to 1,024


def read_json(path: Path) -> dict[str, Any]:
    """Returns the JSON object in the file at `path`."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path}: cannot be read as JSON ({reason}).") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: must be a JSON object. Received: {type(values).__name__}")
    return values


def read_bert_config(path: Path, source: str) -> EncoderConfig:
    """Returns the encoder that a `config.json` or `bert_config.json` describes.

    Raises:
        CheckpointError: it is of no family that is read, or not an encoder that kerasbert can build.
    """
    given = read_json(path)
    family = find_family(path, given)
    values = in_bert_keys(family, given)
    sizes = (*_SIZES.values(), "vocab_size")
    lacking = [family.keys.get(key, key) for key in sizes if type(values.get(key)) is not int]
    if lacking:
        raise CheckpointError(f"{path}: {', '.join(lacking)} must be given as whole numbers.")
    for key in ("type_vocab_size", *(["pad_token_id"] if family.skips_positions else [])):
        number = values.get(key, 0)
        if type(number) is not int or number < 0:
            raise CheckpointError(f"{path}: {key} must be a whole number from 0 on. Received: {number!r}")
    epsilon = values.get("layer_norm_eps", 1e-12)
    if type(epsilon) is not float or not 0 < epsilon < 1:
        raise CheckpointError(f"{path}: layer_norm_eps must be between 0 and 1. Received: {epsilon!r}")
    for key, ours in _FIXED.items():
        if values.get(key, ours) != ours:
            raise CheckpointError(f"{path}: {key} must be {ours}. Received: {values[key]!r}")
    act = values.get("hidden_act", "gelu")
    if not isinstance(act, str) or act not in _ACTIVATIONS:
        raise CheckpointError(
            f"{path}: hidden_act must be one of {', '.join(_ACTIVATIONS)}. Received: {act!r}"
        )
    if values["hidden_size"] % max(values["num_attention_heads"], 1):
        raise CheckpointError(f"{path}: hidden_size must be a multiple of num_attention_heads.")
    ours = {name: values[key] for name, key in _SIZES.items()}
    ours |= {"source": source, "activation": _ACTIVATIONS[act], "layer_norm_epsilon": epsilon}
    dropout = values.get("hidden_dropout_prob")
    if dropout is not None:
        ours["dropout"] = dropout
    return parse_config(EncoderConfig, ours, where=str(path))


def write_bert_config(config: EncoderConfig) -> dict[str, Any]:
    """Returns the part of a `config.json` that describes the backbone."""
    return {
        "model_type": "bert",
        **{key: getattr(config, name) for name, key in _SIZES.items()},
        "hidden_act": "gelu" if config.activation == "gelu" else "gelu_new",
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "initializer_range": 0.02,
        "layer_norm_eps": config.layer_norm_epsilon,
        "type_vocab_size": 2,
        **{key: value for key, value in _FIXED.items() if value is not None},
        "tie_word_embeddings": True,
    }


def require_vocabulary_size(path: Path, tokens: int, rows: int) -> None:
    """Raises unless a vocabulary fits the token embedding and the configuration beside it.

    Args:
        path: the configuration.
        tokens: of the vocabulary.
        rows: of the token embedding: as many, or a few more, which no text can reach.
    """
    size = read_json(path)["vocab_size"]
    if size not in (tokens, rows):
        fault = f"vocab_size is {size}, but the vocabulary beside it has {tokens} tokens"
    elif rows < tokens:
        fault = f"the vocabulary beside it has {tokens} tokens, but the token embedding {rows} rows"
    elif rows - tokens >= _PADDING:
        fault = f"the token embedding has {rows} rows, {rows - tokens} more than the vocabulary beside it"
    else:
        return
    raise CheckpointError(f"{path}: {fault}. Put back the vocabulary of these weights.")

"""The encoder as the configuration describes it."""

from collections.abc import Callable

import tensorflow as tf

from kerasbert.config import BackboneConfig, EncoderConfig
from kerasbert.errors import ConfigError
from kerasbert.models.encoder import Encoder
from kerasbert.models.gelu import gelu, gelu_tanh
from kerasbert.models.keras_hub_layers import sublayers

_SCRATCH = {
    "num_layers": 2,
    "hidden_dim": 128,
    "num_heads": 2,
    "intermediate_dim": 512,
    "activation": "gelu_tanh",
    "layer_norm_epsilon": 1e-12,
}


def complete_backbone_config(config: BackboneConfig, max_length: int) -> EncoderConfig:
    """Returns `config` with the sizes that were left open, for a backbone from scratch."""
    open_sizes = {name: size for name, size in _SCRATCH.items() if getattr(config, name) is None}
    if config.max_positions is None:
        open_sizes["max_positions"] = max_length
    completed = EncoderConfig.model_validate({**config.model_dump(), **open_sizes})
    hidden_dim, num_heads = completed.hidden_dim, completed.num_heads
    if hidden_dim % num_heads:
        raise ConfigError(
            f"backbone.hidden_dim: must be a multiple of backbone.num_heads. "
            f"Received: {hidden_dim} and {num_heads}"
        )
    return completed


def build_backbone(
    config: EncoderConfig,
    vocabulary_size: int,
    precision: str = "float32",
    window_length: int | None = None,
) -> Encoder:
    """Returns an encoder with random weights.

    Args:
        config: of the encoder.
        vocabulary_size: rows of the token embedding.
        precision: a Keras dtype policy; `mixed_*` keeps the weights in float32.
        window_length: see `Encoder`.
    """
    backbone = Encoder(
        vocabulary_size=vocabulary_size,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        hidden_dim=config.hidden_dim,
        intermediate_dim=config.intermediate_dim,
        dropout=config.dropout,
        max_sequence_length=config.max_positions,
        dtype=precision,
        name="backbone",
    )
    backbone.window_length = window_length
    # KerasHub's BERT knows GELU by its tanh approximation only, and an epsilon of 1e-12.
    norms = [backbone.embeddings_layer_norm]
    for layer in map(sublayers, backbone.transformer_layers):
        layer.intermediate.activation = activation(config)
        norms += [layer.attention_norm, layer.output_norm]
    for norm in norms:
        norm.epsilon = config.layer_norm_epsilon
    return backbone


def activation(config: EncoderConfig) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function that `config.activation` names (Hendrycks & Gimpel 2016, section 2)."""
    return gelu if config.activation == "gelu" else gelu_tanh

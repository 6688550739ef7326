"""Configurations with nothing left open: what a training uses, and what its run directory keeps."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from kerasbert.config.backbone import BackboneConfig
from kerasbert.config.field_types import Monitor
from kerasbert.config.load import parse_config, read_yaml
from kerasbert.config.pretraining import PretrainingConfig
from kerasbert.config.schema import Config, TrainingConfig


class EncoderConfig(BackboneConfig):
    """A BERT encoder whose sizes are all known."""

    num_layers: int = Field(ge=1)
    hidden_dim: int = Field(ge=8)
    num_heads: int = Field(ge=1)
    intermediate_dim: int = Field(ge=8)
    max_positions: int = Field(ge=8)
    activation: Literal["gelu", "gelu_tanh"]
    layer_norm_epsilon: float = Field(1e-12, gt=0, lt=1)


class ResolvedTrainingConfig(TrainingConfig):
    """`TrainingConfig` with the metric that selects the best epoch."""

    monitor: Monitor


class ResolvedConfig(Config):
    """The configuration of a training, as `prepare` resolved it."""

    run_dir: str
    backbone: EncoderConfig
    training: ResolvedTrainingConfig


class ResolvedPretrainingConfig(PretrainingConfig):
    """The configuration of a pre-training, as `prepare_pretraining` resolved it."""

    run_dir: str
    backbone: EncoderConfig


def read_resolved_config(path: Path) -> ResolvedConfig:
    """Reads the configuration that a run or its export keeps.

    Raises:
        ConfigError: the file cannot be read, or a key is wrong or missing.
    """
    config = parse_config(Config, read_yaml(path), where=str(path))
    # Runs from before there was a choice.
    config.backbone.activation = config.backbone.activation or "gelu_tanh"
    config.backbone.layer_norm_epsilon = config.backbone.layer_norm_epsilon or 1e-12
    config.training.monitor = config.training.monitor or "accuracy"
    return parse_config(ResolvedConfig, config.model_dump(), where=str(path))

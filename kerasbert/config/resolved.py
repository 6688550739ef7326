"""Configurations with nothing left open: what a training uses, and what its run directory keeps."""

from typing import Literal

from pydantic import Field

from kerasbert.config.pretraining import PretrainingConfig
from kerasbert.config.schema import BackboneConfig, Config, Monitor, TrainingConfig


class EncoderConfig(BackboneConfig):
    """A BERT encoder whose sizes are all known."""

    num_layers: int = Field(ge=1)
    hidden_dim: int = Field(ge=8)
    num_heads: int = Field(ge=1)
    intermediate_dim: int = Field(ge=8)
    max_positions: int = Field(ge=8)
    activation: Literal["gelu", "gelu_tanh"]


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

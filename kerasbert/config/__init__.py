"""The configuration of a training run: typed, complete, printable."""

from kerasbert.config.backbone import BackboneConfig
from kerasbert.config.field_types import BY_LABEL
from kerasbert.config.load import apply_overrides, dump_yaml, merge, parse_config, read_yaml
from kerasbert.config.pretraining import MaskingConfig, PhaseConfig, PretrainingConfig, TeacherConfig
from kerasbert.config.resolved import (
    EncoderConfig,
    ResolvedConfig,
    ResolvedPretrainingConfig,
    read_resolved_config,
)
from kerasbert.config.schema import (
    AugmentationConfig,
    Config,
    DataConfig,
    DecisionConfig,
    DistillationConfig,
    HeadConfig,
    OptimizationConfig,
    TextConfig,
    TrainingConfig,
)
from kerasbert.config.section import Section

__all__ = [
    "BY_LABEL",
    "AugmentationConfig",
    "BackboneConfig",
    "Config",
    "DataConfig",
    "DecisionConfig",
    "DistillationConfig",
    "EncoderConfig",
    "HeadConfig",
    "MaskingConfig",
    "OptimizationConfig",
    "PhaseConfig",
    "PretrainingConfig",
    "ResolvedConfig",
    "ResolvedPretrainingConfig",
    "Section",
    "TeacherConfig",
    "TextConfig",
    "TrainingConfig",
    "apply_overrides",
    "dump_yaml",
    "merge",
    "parse_config",
    "read_resolved_config",
    "read_yaml",
]

"""Every key of a pre-training configuration."""

from pydantic import Field

from kerasbert.config.backbone import BackboneConfig
from kerasbert.config.schema import OptimizationConfig
from kerasbert.config.section import Section


class PhaseConfig(Section):
    """A part of the training, on one corpus."""

    corpus: str = Field(description="Directory that `kerasbert corpus build` wrote.")
    steps: int = Field(ge=1, description="Number of optimizer steps.")
    batch_size: int = Field(64, ge=1, description="Examples per optimizer step, over all replicas together.")


class MaskingConfig(Section):
    """Masked LM: which tokens are masked. New masks are drawn at every step."""

    fraction: float = Field(0.15, gt=0, le=0.5, description="Share of the tokens that are masked.")
    whole_words: bool = Field(True, description="Whole-word masking: mask all tokens of a word, or none.")
    longest_span: int = Field(
        1,
        ge=1,
        description="Maximum number of neighbouring words that are masked together (n-gram masking "
        "if above 1).",
    )


class PretrainingOptimizationConfig(OptimizationConfig):
    """How the weights are optimised, over all phases."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate.")
    checkpoint_every_steps: int = Field(
        1000,
        ge=1,
        description="Steps between validations, each with a checkpoint and a line in the history.",
    )


class PretrainingConfig(Section):
    """A pre-training."""

    run_dir: str | None = Field(None, description="The run directory. Empty: runs/pretrain-TIME.")
    backbone: BackboneConfig = BackboneConfig()
    nsp: bool = Field(True, description="Also train next sentence (or sentence order) prediction.")
    masking: MaskingConfig = MaskingConfig()
    phases: list[PhaseConfig] = Field(
        min_length=1, description="Trained one after the other, such as 128 tokens first and then 512."
    )
    training: PretrainingOptimizationConfig = PretrainingOptimizationConfig()

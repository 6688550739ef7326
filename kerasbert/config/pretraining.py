"""Every key of a pre-training configuration."""

from pydantic import Field

from kerasbert.config.schema import BackboneConfig, OptimizationConfig, Section


class PhaseConfig(Section):
    """A stretch of the training on one corpus."""

    corpus: str = Field(description="Directory that `kerasbert corpus build` made.")
    steps: int = Field(ge=1, description="Optimizer steps.")
    batch_size: int = Field(64, ge=1, description="Examples of one step over all replicas.")


class MaskingConfig(Section):
    """What the encoder has to guess; drawn anew for every step."""

    fraction: float = Field(0.15, gt=0, le=0.5, description="Share of the tokens to guess.")
    whole_words: bool = Field(True, description="Mask all tokens of a word, or none.")
    longest_span: int = Field(
        1, ge=1, description="Most neighbouring words masked together (n-gram masking if above 1)."
    )


class PretrainingOptimizationConfig(OptimizationConfig):
    """How the weights are optimised, over all phases."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate.")
    checkpoint_every_steps: int = Field(
        1000, ge=1, description="Steps between checkpoints, validations and lines of the history."
    )


class PretrainingConfig(Section):
    """A whole pre-training."""

    run_dir: str | None = Field(None, description="Where the run goes. Empty: runs/pretrain-TIME.")
    backbone: BackboneConfig = BackboneConfig()
    nsp: bool = Field(True, description="Learn next sentence prediction (or order) beside the masked LM.")
    masking: MaskingConfig = MaskingConfig()
    phases: list[PhaseConfig] = Field(
        min_length=1, description="One after the other, as 128 then 512 tokens."
    )
    training: PretrainingOptimizationConfig = PretrainingOptimizationConfig()

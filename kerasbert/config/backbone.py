"""The keys of the encoder."""

from typing import Literal

from pydantic import Field

from kerasbert.config.section import Fraction, Section


class BackboneConfig(Section):
    """The BERT encoder. Sizes can be set with `source: scratch` only; otherwise the source has them."""

    source: str = Field("scratch", description="scratch (random weights), or a checkpoint: checkpoints.md.")
    num_layers: int | None = Field(None, ge=1, description="Number of transformer layers (scratch: 2).")
    hidden_dim: int | None = Field(None, ge=8, description="Hidden size (scratch: 128).")
    num_heads: int | None = Field(None, ge=1, description="Number of attention heads (scratch: 2).")
    intermediate_dim: int | None = Field(None, ge=8, description="Feed-forward size (scratch: 512).")
    max_positions: int | None = Field(
        None, ge=8, description="Number of position embeddings (scratch: `training.max_length`)."
    )
    activation: Literal["gelu", "gelu_tanh"] | None = Field(
        None, description="Exact GELU, or its tanh approximation, which is faster (scratch: gelu_tanh)."
    )
    layer_norm_epsilon: float | None = Field(
        None, gt=0, lt=1, description="Added to the variance in layer normalisation (scratch: 1e-12)."
    )
    dropout: Fraction = Field(0.1, description="Dropout rate in the encoder.")

"""Every key of a pre-training configuration."""

from pydantic import Field, model_validator

from kerasbert.config.backbone import BackboneConfig
from kerasbert.config.field_types import Paths
from kerasbert.config.schema import OptimizationConfig
from kerasbert.config.section import Section


class PhaseConfig(Section):
    """A part of the training: on a corpus, or with a teacher on texts."""

    corpus: str | None = Field(None, description="Directory that `kerasbert corpus build` wrote.")
    texts: Paths = Field(
        [],
        description="Instead: files of texts to learn from `teacher`, a text per line or sentence, in the "
        "formats of pretraining.md. A file named twice counts twice.",
    )
    max_length: int = Field(
        128, ge=16, description="Maximum tokens of a text, special tokens included; corpora have their own."
    )
    steps: int = Field(ge=1, description="Number of optimizer steps.")
    batch_size: int = Field(64, ge=1, description="Examples per optimizer step, over all replicas together.")

    @model_validator(mode="after")
    def _has_one_kind_of_examples(self) -> "PhaseConfig":
        if bool(self.corpus) == bool(self.texts):
            raise ValueError("corpus: name a corpus or texts, one of the two")
        return self


class MaskingConfig(Section):
    """Masked LM: which tokens are masked. New masks are drawn at every step."""

    fraction: float = Field(0.15, ge=0, le=0.5, description="Share of the tokens that are masked.")
    whole_words: bool = Field(True, description="Whole-word masking: mask all tokens of a word, or none.")
    longest_span: int = Field(
        1,
        ge=1,
        description="Maximum number of neighbouring words that are masked together (n-gram masking "
        "if above 1).",
    )


class TeacherConfig(Section):
    """Another encoder to learn from, of any vocabulary and size, in the phases of `texts`."""

    source: str | None = Field(None, description="A checkpoint: checkpoints.md. Empty: no teacher.")
    prefix: str = Field("", description="Put before each text for the teacher, such as `query: `.")
    layers: int = Field(1, ge=1, description="Learn the mean of the hidden states of this many last layers.")
    max_length: int = Field(
        128, ge=8, description="Maximum tokens of a text for the teacher, special tokens included."
    )
    token_weight: float = Field(
        1.0, ge=0, description="Weight of the distance between the states of the same characters."
    )
    text_weight: float = Field(
        1.0, ge=0, description="Weight of the distance between the means over all states of a text."
    )
    relation_weight: float = Field(
        0.3, ge=0, description="Weight of the difference in how similar the texts of a batch are."
    )
    masked_lm_weight: float = Field(
        0.0, ge=0, description="Weight of masked LM on the same texts. 0: no masked LM in these phases."
    )
    starting_vectors: bool = Field(
        False,
        description="Start the token embeddings from the teacher's states of each token on its own "
        "(`backbone.source: scratch`).",
    )
    cache: str | None = Field(
        None,
        description="Directory of the teacher's states, which several pre-trainings may share. Empty: in the "
        "run directory, removed at the end.",
    )

    @model_validator(mode="after")
    def _has_something_to_learn(self) -> "TeacherConfig":
        if not (self.token_weight or self.text_weight or self.relation_weight):
            raise ValueError("token_weight: all weights are 0: nothing would be learned from the teacher")
        return self


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
    vocabulary: str | None = Field(
        None,
        description="A vocabulary, or a checkpoint to take it from, for `backbone.source: scratch` without a "
        "corpus.",
    )
    backbone: BackboneConfig = BackboneConfig()
    teacher: TeacherConfig = TeacherConfig()
    nsp: bool = Field(True, description="Also train next sentence (or sentence order) prediction.")
    masking: MaskingConfig = MaskingConfig()
    phases: list[PhaseConfig] = Field(
        min_length=1, description="Trained one after the other, such as 128 tokens first and then 512."
    )
    training: PretrainingOptimizationConfig = PretrainingOptimizationConfig()

    @model_validator(mode="after")
    def _texts_have_a_teacher(self) -> "PretrainingConfig":
        if any(phase.texts for phase in self.phases) != bool(self.teacher.source):
            raise ValueError("teacher.source: name a teacher for phases of texts, and for no others")
        return self

    @property
    def has_corpora(self) -> bool:
        """Whether a phase learns from a corpus."""
        return any(phase.corpus for phase in self.phases)

    @property
    def masked_lm(self) -> bool:
        """Whether masked LM is trained in any phase."""
        return self.has_corpora or self.teacher.masked_lm_weight > 0

    @property
    def pairs(self) -> bool:
        """Whether next sentence (or sentence order) prediction is trained."""
        return self.nsp and self.has_corpora

"""Every key of a training configuration, with its type, default and meaning."""

from typing import Any, Literal

from pydantic import Field, model_validator

from kerasbert.config.backbone import BackboneConfig
from kerasbert.config.compilation import require_compilable
from kerasbert.config.field_types import LabelList, LabelMap, LabelWeights, Monitor, Paths, Strategy
from kerasbert.config.section import Fraction, Section


class DataConfig(Section):
    """Where the rows are and which columns matter."""

    train: Paths = Field([], description="Files of labelled rows; formats: data.md.")
    validation: Paths = Field([], description="Files of validation rows. Empty: split off the training rows.")
    validation_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Share of the training rows to validate on, if `validation` is empty.",
    )
    folds: int | None = Field(
        None, ge=2, description="Cross-validation: the number of folds. `train --folds` sets it."
    )
    fold: int = Field(0, ge=0, description="The fold to validate on, counted from 0.")
    text_column: str = Field("text", description="Name of the column of texts.")
    pair_column: str | None = Field(None, description="Name of the column of second texts, for pairs.")
    label_column: str = Field("label", description="Name of the column of labels.")
    labels: LabelList = Field(
        [],
        description="The labels in the order of the outputs. Empty: the task's, else those found, sorted.",
    )
    label_separator: str | None = Field(
        None,
        min_length=1,
        description="Separator of several labels in one cell. Empty: that of the task.",
    )
    label_map: LabelMap = Field({}, description="Renames labels of the files: {0: negative, 1: positive}.")
    encoding: str = Field("utf-8", description="Encoding of files that are not UTF-8, such as gb18030.")

    @model_validator(mode="after")
    def _folds_are_of_the_training_files(self) -> "DataConfig":
        if self.folds and self.validation:
            raise ValueError("folds: are made of the training files. Remove data.validation")
        if self.fold >= (self.folds or 1):
            raise ValueError(f"fold: must be less than {self.folds or 1}, the folds. Received: {self.fold}")
        return self


class TextConfig(Section):
    """How texts become tokens. Part of the saved model, so serving uses the same settings."""

    vocabulary: str | None = Field(
        None,
        description="A vocab.txt or SentencePiece model (*.model), for `backbone.source: scratch`. Empty: "
        "learned from the training rows.",
    )
    vocabulary_size: int = Field(8000, ge=32, description="Maximum number of tokens of a learned vocabulary.")
    min_count: int = Field(2, ge=1, description="Rarer characters are left out of a learned vocabulary.")
    lowercase: bool = Field(
        True,
        description="Lower-case texts and strip accents, as uncased BERTs do. SentencePiece models do what "
        "they were trained to instead.",
    )
    ascii_punctuation: bool = Field(
        False,
        description="Map curly quotes, the ellipsis and dashes to ASCII, for vocabularies that lack them.",
    )
    truncation: Literal["head", "tail", "head_tail"] = Field(
        "head",
        description="Which tokens of a text longer than `training.max_length` are kept: the first, the "
        "last, or a quarter from the start and the rest from the end.",
    )
    windows: int = Field(
        1,
        ge=1,
        le=1024,
        description="Into how many windows of `training.max_length` tokens a longer text is split at most, "
        "before it is cut: training.md, Long texts. 1: it is cut.",
    )
    added_tokens: list[str] = Field(
        [],
        description="Tokens of the vocabulary that are never split. Matched after normalisation.",
    )
    special_tokens: list[str] = Field(
        [],
        description="The same, matched in the text as written, such as `<e1>`; never `[CLS]` and its like.",
    )

    @property
    def tokenization(self) -> dict[str, Any]:
        """The settings of the tokenizer, for `TextGraph` and for sources."""
        always = self.model_dump(include={"lowercase", "ascii_punctuation"})
        added = self.model_dump(include={"added_tokens", "special_tokens"})
        return {**always, **{name: tokens for name, tokens in added.items() if tokens}}


class HeadConfig(Section):
    """The layers between the encoder and the logits."""

    pooling: Literal["cls", "mean", "max", "mean_max", "attention"] = Field(
        "cls",
        description="cls: BERT's pooled [CLS]. Others: mean or maximum over the tokens, both, or a mean "
        "with weights that are learned (attention).",
    )
    dropout: Fraction = Field(0.1, description="Dropout rate before the last dense layer.")
    keep: bool = Field(
        False,
        description="Keep the classifier of the run that `backbone.source` names, for the labels that it "
        "knows. `train --from` sets both.",
    )


class DecisionConfig(Section):
    """How the logits become an answer. Part of the saved model."""

    calibrate: bool = Field(
        True,
        description="Fit `temperature` on the validation rows after the last epoch. It stays 1 where "
        "that does not lower their loss.",
    )
    temperature: float = Field(
        1.0,
        ge=0.01,
        le=100,
        description="The logits are divided by it: above 1, the probabilities are less confident.",
    )
    accepted_accuracy: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Wanted accuracy of the accepted answers: chooses `reject_below` on the validation rows. "
        "Empty: it stays what is set.",
    )
    reject_below: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Answers of a lower score are not accepted (output `accepted`); with several labels, of "
        "a lower probability that all are right. Empty: no such output.",
    )
    reject_outliers: float | None = Field(
        None,
        gt=0,
        le=0.5,
        description="Share of the validation rows that may be rejected as unlike the training texts: chooses "
        "how far a text may be from these (output `distance`, 1 is the limit). Empty: no such output.",
    )


class OptimizationConfig(Section):
    """How weights are optimised, the same for fine-tuning and pre-training."""

    learning_rate: float = Field(5e-5, gt=0, description="Peak learning rate.")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Learning rate after the warm-up: decay to zero, or constant."
    )
    warmup_fraction: Fraction = Field(0.1, description="Share of the steps over which the rate rises.")
    weight_decay: float = Field(0.01, ge=0, description="Weight decay (AdamW); none on biases and norms.")
    clip_norm: float | None = Field(1.0, gt=0, description="Global norm that gradients are clipped to.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of weights, order, masks, dropout and the split.")
    strategy: Strategy = Field(
        "auto",
        description="auto: mirrored if there are several GPUs, else one_device. multi_worker: several hosts.",
    )
    cluster_minutes: float = Field(
        10.0, gt=0, description="Minutes that the workers of a cluster wait for each other at the start."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="Precision of the encoder's computations; the weights stay float32."
    )
    deterministic: bool = Field(
        False, description="Bitwise equal repeats on the same hardware; slower on GPUs."
    )
    checkpoint_every_steps: int | None = Field(
        None,
        ge=1,
        description="Steps between resumable checkpoints, besides the one after each epoch.",
    )
    checkpoint_every_minutes: float | None = Field(
        None, gt=0, description="Minutes between resumable checkpoints, at most."
    )
    keep_checkpoints: int = Field(2, ge=1, description="Number of resumable checkpoints to keep.")
    on_divergence: Literal["stop", "rollback"] = Field(
        "stop",
        description="If the loss is not finite, or ten times that of the first step: stop, or go back to "
        "the last checkpoint with half the learning rate, at most three times.",
    )


class TrainingConfig(OptimizationConfig):
    """How the model learns."""

    epochs: int = Field(3, ge=1, description="Maximum number of passes over the training rows.")
    batch_size: int = Field(32, ge=1, description="Rows per optimizer step, over all replicas together.")
    batch_tokens: int | None = Field(
        None,
        ge=8,
        description="Maximum tokens per step, padding included; fewer rows if they are long.",
    )
    max_length: int = Field(128, ge=8, description="Maximum tokens of a row, special tokens included.")
    embedding_rate: float = Field(
        1.0, gt=0, description="Learning rate of the embedding tables, as a multiple of `learning_rate`."
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Learning rate of an encoder layer, as a multiple of the one above.",
    )
    head_rate: float = Field(
        1.0, gt=0, description="Learning rate of the head, as a multiple of `learning_rate`."
    )
    frozen_layers: int | None = Field(
        None,
        ge=0,
        description="Freeze the embeddings and this many of the lowest encoder layers.",
    )
    gradual_unfreezing: bool = Field(
        False,
        description="Train the head alone in the first epoch, then one more layer from the top in each.",
    )
    lora_rank: int | None = Field(
        None,
        ge=1,
        description="LoRA: train low-rank updates of the query and value weights, and the head, only.",
    )
    ema_decay: Fraction = Field(
        0.0,
        description="Validate and keep an exponential moving average of the weights with this decay.",
    )
    label_smoothing: Fraction = Field(0.0, description="Share of the target that is spread over all labels.")
    focal_gamma: float = Field(
        0.0,
        ge=0,
        description="Exponent of the focal loss: the higher, the less easy rows count.",
    )
    r_drop: float = Field(
        0.0,
        ge=0,
        description="R-Drop: weight of the divergence between two passes with different dropout.",
    )
    adversarial_norm: float = Field(
        0.0, ge=0, description="L2 norm of the adversarial perturbation of the embeddings (FGM)."
    )
    class_weights: LabelWeights = Field(
        None,
        description="balanced (by inverse frequency), or a weight for each label.",
    )
    sampling: Literal["all", "balanced"] = Field(
        "all",
        description="all: each row once an epoch. balanced: as many, all labels equally likely.",
    )
    token_dropout: Fraction = Field(
        0.0, description="Share of the training tokens that are replaced with [MASK] at each step."
    )
    early_stopping_patience: int | None = Field(
        None, ge=1, description="Stop after this many epochs without a better `monitor`."
    )
    monitor: Monitor | None = Field(
        None,
        description="Validation metric that selects the best epoch; the lower loss decides between equals. "
        "Empty: macro_f1, or micro_f1 if a row may have several labels.",
    )
    accumulation_steps: int = Field(
        1,
        ge=1,
        description="Compute each batch in this many parts, to save memory.",
    )
    jit_compile: bool = Field(
        False, description="Compile the training step with XLA, for four shapes of batches: training.md."
    )

    @model_validator(mode="after")
    def _batches_are_the_same_each_epoch(self) -> "TrainingConfig":
        if self.batch_tokens and self.batch_tokens < self.max_length:
            raise ValueError(
                f"batch_tokens: must be at least {self.max_length}, max_length. Received: {self.batch_tokens}"
            )
        if self.batch_tokens and self.sampling == "balanced":
            raise ValueError("batch_tokens: does not go with sampling: balanced. Use class_weights: balanced")
        return self


class AugmentationConfig(Section):
    """Augmentation: changed copies of training rows. Validation rows are never changed."""

    copies: int = Field(0, ge=0, description="Number of changed copies of each training row.")
    methods: list[Literal["synonym", "insert", "swap", "delete", "homophone", "masked_lm"]] = Field(
        ["swap", "delete"], min_length=1, description="Methods to draw from, one for each copy: recipes.md."
    )
    share: float = Field(0.1, gt=0, lt=1, description="Share of the words that a copy changes, at least one.")
    synonyms: str | None = Field(
        None,
        description="Thesaurus for synonym and insert: a group of words per line, or Cilin.",
    )


class DistillationConfig(Section):
    """Training on the answers of a trained model, the teacher, or of any source, as well as on the labels."""

    teacher: str | None = Field(None, description="Run directory of the teacher. Empty: no distillation.")
    weight: float = Field(
        0.5, gt=0, le=1, description="Weight of the teacher's answers in the loss; the labels have the rest."
    )
    temperature: float = Field(2.0, gt=0, description="Temperature of both softmaxes when they are compared.")
    hidden_weight: float = Field(
        0.0, ge=0, description="Weight of the distance between the hidden states of teacher and student."
    )
    unlabelled: Paths = Field([], description="Files of unlabelled texts, which the teacher labels.")
    soft_labels: Paths = Field(
        [],
        description="Files of texts with probabilities of the labels, from any source: more training rows.",
    )


class Config(Section):
    """A training of a classifier."""

    task: str = Field("classification", description="Name of the task; `kerasbert plugins list` shows all.")
    task_options: dict[str, Any] = Field({}, description="Settings of the task.")
    run_dir: str | None = Field(None, description="The run directory. Empty: runs/NAME-TIME.")
    data: DataConfig = DataConfig()
    text: TextConfig = TextConfig()
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    decision: DecisionConfig = DecisionConfig()
    training: TrainingConfig = TrainingConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    distillation: DistillationConfig = DistillationConfig()

    @property
    def window_length(self) -> int | None:
        """The number of tokens of a window, if texts may have several."""
        return self.training.max_length if self.text.windows > 1 else None

    @model_validator(mode="after")
    def _windows_are_of_single_texts(self) -> "Config":
        windows, training = self.text.windows, self.training
        if windows > 1 and self.data.pair_column is not None:
            raise ValueError(
                "text.windows: must be 1 with data.pair_column: pairs are not split into windows"
            )
        if windows > 1 and training.jit_compile:
            raise ValueError("text.windows: must be 1 with training.jit_compile: XLA needs fixed shapes")
        if windows > 1 and self.augmentation.copies and "masked_lm" in self.augmentation.methods:
            raise ValueError("text.windows: must be 1 with augmentation.methods: masked_lm reads one window")
        if training.batch_tokens and training.batch_tokens < windows * training.max_length:
            raise ValueError(
                f"training.batch_tokens: must be at least {windows * training.max_length}, text.windows "
                f"times training.max_length. Received: {training.batch_tokens}"
            )
        return self

    @model_validator(mode="after")
    def _a_teacher_is_compared_with_one_pass(self) -> "Config":
        if self.distillation.teacher and (self.training.r_drop or self.training.adversarial_norm):
            raise ValueError("distillation.teacher: does not go with training.r_drop or adversarial_norm")
        return self

    @model_validator(mode="after")
    def _a_compiled_step_has_fixed_shapes(self) -> "Config":
        require_compilable(self)
        return self

    @model_validator(mode="after")
    def _heads_divide_the_hidden_size(self) -> "Config":
        backbone = self.backbone
        if backbone.num_heads and backbone.hidden_dim and backbone.hidden_dim % backbone.num_heads:
            raise ValueError(
                f"backbone.hidden_dim: must be a multiple of backbone.num_heads. "
                f"Received: {backbone.hidden_dim} and {backbone.num_heads}"
            )
        return self

"""Every key of a training configuration, with its type, default and meaning."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from kerasbert.config.yaml_values import SpelledInt

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_string(value: Any) -> str:
    """YAML reads `1` as a number; labels are strings."""
    if value is None or isinstance(value, bool):
        raise ValueError(f"put quotes around it: YAML reads it as {value}")
    if isinstance(value, SpelledInt):
        raise ValueError(f"put quotes around it: YAML reads {value.spelling} as {int(value)}")
    return str(value)


def _require_space(value: dict) -> None:
    """YAML reads `{a:b}` as a key without a value."""
    for key, item in value.items():
        colon = next((mark for mark in ":：" if mark in str(key)), None)
        if item is None and colon is not None:
            left, right = str(key).split(colon, 1)
            raise ValueError(f"write a colon and a space, {left}: {right}; YAML reads {key} as one word")


def _as_strings(value: Any) -> Any:
    if isinstance(value, dict):
        _require_space(value)
        return {_as_string(key): _as_string(item) for key, item in value.items()}
    return [_as_string(item) for item in value] if isinstance(value, list) else value


def _with_string_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    _require_space(value)
    return {_as_string(key): item for key, item in value.items()}


Paths = Annotated[list[str], BeforeValidator(_as_list)]
LabelMap = Annotated[dict[str, str], BeforeValidator(_as_strings)]
LabelWeights = Annotated[Literal["balanced"] | dict[str, float] | None, BeforeValidator(_with_string_keys)]
_NO_STRATEGY = {
    "parameter_server": "Keras 3 does not support it",
    "tpu": "it was never tried here",
    "central_storage": "its losses differ from those of one device",
    "keras_distribution": "keras.distribution is ignored on TensorFlow",
}


def _known_strategy(value: Any) -> Any:
    if value in _NO_STRATEGY:
        raise ValueError(f"{_NO_STRATEGY[value]}. Choose mirrored or multi_worker")
    return value


Strategy = Annotated[
    Literal["auto", "one_device", "mirrored", "multi_worker"], BeforeValidator(_known_strategy)
]
Monitor = Literal["accuracy", "macro_f1", "micro_f1", "loss"]
LabelList = Annotated[list[str], BeforeValidator(_as_strings)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class DataConfig(Section):
    """Where the rows are and which columns matter."""

    train: Paths = Field([], description="Training files, with labels: see data.md.")
    validation: Paths = Field([], description="Validation files. Empty: split from the training files.")
    validation_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Share of the training rows to validate on, if no files are named.",
    )
    folds: int | None = Field(
        None, ge=2, description="Split the training files into so many parts, and validate on part `fold`."
    )
    fold: int = Field(0, ge=0, description="Which part to validate on, from 0.")
    text_column: str = Field("text", description="Column of the text.")
    pair_column: str | None = Field(None, description="Column of the second text, for pair tasks.")
    label_column: str = Field("label", description="Column of the label.")
    labels: LabelList = Field(
        [], description="The labels in order. Empty: the task's, else those found, in order."
    )
    label_separator: str | None = Field(
        None,
        min_length=1,
        description="Between the labels of a cell, if a row has several. Empty: the task's.",
    )
    label_map: LabelMap = Field({}, description="Names for the labels in the files, such as 1: positive.")
    encoding: str = Field("utf-8", description="Encoding of text files that are not UTF-8, such as gb18030.")

    @model_validator(mode="after")
    def _folds_are_of_the_training_files(self) -> "DataConfig":
        if self.folds and self.validation:
            raise ValueError("folds: are made of the training files. Remove data.validation")
        if self.fold >= (self.folds or 1):
            raise ValueError(f"fold: must be less than {self.folds or 1}, the folds. Received: {self.fold}")
        return self


class TextConfig(Section):
    """How strings become tokens. Saved with the model, the same when it serves."""

    vocabulary: str | None = Field(
        None,
        description="vocab.txt for a backbone from scratch. Empty: learned from the training rows.",
    )
    vocabulary_size: int = Field(8000, ge=32, description="Most entries of a learned vocabulary.")
    min_count: int = Field(2, ge=1, description="Rarer characters do not enter a learned vocabulary.")
    lowercase: bool = Field(True, description="Lower-case and strip accents, as uncased BERTs do.")
    ascii_punctuation: bool = Field(
        False,
        description="Map curly quotes, ellipsis and dashes to ASCII, for vocabularies without them.",
    )
    truncation: Literal["head", "tail", "head_tail"] = Field(
        "head",
        description="What is read of a text beyond `training.max_length`: its first tokens, its last, or a "
        "quarter from the start and the rest from the end.",
    )
    added_tokens: list[str] = Field(
        [],
        description="Tokens of the vocabulary that stay whole wherever they occur, found after lower-casing.",
    )
    special_tokens: list[str] = Field(
        [], description="The same, found as they are written, such as <e1>; [CLS] and its like never are."
    )

    @property
    def tokenization(self) -> dict[str, Any]:
        """The settings of the tokenizer, for `TextGraph` and for sources."""
        always = self.model_dump(include={"lowercase", "ascii_punctuation"})
        added = self.model_dump(include={"added_tokens", "special_tokens"})
        return {**always, **{name: tokens for name, tokens in added.items() if tokens}}


class BackboneConfig(Section):
    """The BERT encoder. The sizes are set with `source: scratch` and come from the source otherwise."""

    source: str = Field("scratch", description="scratch, or a checkpoint: see checkpoints.md.")
    num_layers: int | None = Field(None, ge=1, description="Transformer layers (scratch: 2).")
    hidden_dim: int | None = Field(None, ge=8, description="Width (scratch: 128).")
    num_heads: int | None = Field(None, ge=1, description="Attention heads (scratch: 2).")
    intermediate_dim: int | None = Field(None, ge=8, description="Feed-forward width (scratch: 512).")
    max_positions: int | None = Field(
        None, ge=8, description="Length of the position table (scratch: training.max_length)."
    )
    activation: Literal["gelu", "gelu_tanh"] | None = Field(
        None, description="Exact GELU or its tanh approximation (scratch: gelu_tanh, the faster)."
    )
    dropout: Fraction = Field(0.1, description="Dropout inside the encoder.")


class HeadConfig(Section):
    """The classifier over the encoder's outputs."""

    pooling: Literal["cls", "mean", "max", "mean_max"] = Field(
        "cls",
        description="What the classifier sees: BERT's pooled [CLS], or a pool over all tokens.",
    )
    dropout: Fraction = Field(0.1, description="Dropout before the classifier.")


class OptimizationConfig(Section):
    """How weights are optimised, the same for fine-tuning and pre-training."""

    learning_rate: float = Field(5e-5, gt=0, description="Peak learning rate.")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="How the rate falls from its peak to zero."
    )
    warmup_fraction: Fraction = Field(0.1, description="Share of the steps over which the rate rises.")
    weight_decay: float = Field(0.01, ge=0, description="Decoupled decay (AdamW); none on bias and norms.")
    clip_norm: float | None = Field(1.0, gt=0, description="Global norm of the gradients, at most.")
    seed: int = Field(0, ge=0, description="Seed of weights, order, masks, dropout and the split.")
    strategy: Strategy = Field(
        "auto",
        description="auto: mirrored where there are several GPUs. multi_worker: across hosts.",
    )
    cluster_minutes: float = Field(
        10.0, gt=0, description="How long the workers of a cluster wait for one another at the start."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="Arithmetic of the encoder in training; weights stay float32."
    )
    deterministic: bool = Field(False, description="Bit-equal repeats on the same hardware, slower on GPUs.")


class TrainingConfig(OptimizationConfig):
    """How the model learns."""

    epochs: int = Field(3, ge=1, description="Passes over the training rows, at most.")
    batch_size: int = Field(32, ge=1, description="Rows of one optimizer step over all replicas.")
    batch_tokens: int | None = Field(
        None, ge=8, description="Most tokens of a step, padding included: fewer rows where they are long."
    )
    max_length: int = Field(128, ge=8, description="Tokens of a row, special tokens included; cut beyond.")
    embedding_rate: float = Field(
        1.0, gt=0, description="Learning rate of the embedding tables, as a multiple of `learning_rate`."
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="Learning rate of an encoder layer, as a share of the one above."
    )
    head_rate: float = Field(
        1.0, gt=0, description="Learning rate of the head, as a multiple of `learning_rate`."
    )
    frozen_layers: int | None = Field(
        None, ge=0, description="The embeddings and so many layers above them stay as they are."
    )
    gradual_unfreezing: bool = Field(
        False, description="Train the head in the first epoch, then one more layer from the top in each."
    )
    lora_rank: int | None = Field(
        None, ge=1, description="Train low-rank additions to the query and value weights of the encoder only."
    )
    ema_decay: Fraction = Field(
        0.0, description="Validate and keep a moving average of the weights with this decay, such as 0.999."
    )
    label_smoothing: Fraction = Field(0.0, description="Share of the target spread over all labels.")
    focal_gamma: float = Field(
        0.0, ge=0, description="Focal loss: how much less rows count that are already right."
    )
    r_drop: float = Field(
        0.0, ge=0, description="R-Drop: weight of the divergence between two passes with other dropout."
    )
    adversarial_norm: float = Field(
        0.0, ge=0, description="FGM: learn from a second pass with embeddings moved so far to the worse."
    )
    class_weights: LabelWeights = Field(None, description="balanced, or a weight for each label.")
    sampling: Literal["all", "balanced"] = Field(
        "all", description="Rows of an epoch: each once, or as many drawn so that labels are equally likely."
    )
    token_dropout: Fraction = Field(
        0.0, description="Share of training tokens replaced by [MASK], anew at each step."
    )
    early_stopping_patience: int | None = Field(
        None, ge=1, description="Stop after so many epochs without better weights; see `monitor`."
    )
    monitor: Monitor | None = Field(
        None,
        description="Validation figure that chooses the best weights; of equals, the lower loss. Empty: "
        "macro_f1, or micro_f1 where a row may have several labels.",
    )
    accumulation_steps: int = Field(
        1, ge=1, description="Parts of a batch that are computed one after the other, to save memory."
    )
    checkpoint_every_steps: int | None = Field(
        None, ge=1, description="Steps between checkpoints to resume from, besides one after each epoch."
    )
    checkpoint_every_minutes: float | None = Field(
        None, gt=0, description="Minutes after which a checkpoint is due in any case."
    )
    keep_checkpoints: int = Field(2, ge=1, description="Checkpoints to keep, the newest.")
    on_divergence: Literal["stop", "rollback"] = Field(
        "stop",
        description="Where the loss is no number or ten times the first: stop, or go back to the last "
        "checkpoint with half the learning rate, three times at most.",
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
    """More training rows, made from those there are. Validation rows are never changed."""

    copies: int = Field(0, ge=0, description="Changed copies of each training row.")
    methods: list[Literal["synonym", "insert", "swap", "delete", "homophone", "masked_lm"]] = Field(
        ["swap", "delete"], min_length=1, description="Each copy is changed by one of these."
    )
    share: float = Field(0.1, gt=0, lt=1, description="Share of the words that a copy changes, at least one.")
    synonyms: str | None = Field(
        None, description="Synonyms for synonym and insert: a group a line, separated by spaces, or Cilin."
    )


class DistillationConfig(Section):
    """Learning from a trained model, the teacher, as well as from the labels."""

    teacher: str | None = Field(None, description="Run directory of the teacher. Empty: no distillation.")
    weight: float = Field(
        0.5, gt=0, le=1, description="Share of the loss that comes from the teacher's answers."
    )
    temperature: float = Field(2.0, gt=0, description="Softens both answers before they are compared.")
    hidden_weight: float = Field(
        0.0, ge=0, description="Weight of the distance between the hidden states of both encoders."
    )
    unlabelled: Paths = Field([], description="More texts, which only the teacher labels.")


class Config(Section):
    """A whole training run."""

    task: str = Field("classification", description="Name of a task: kerasbert plugins list.")
    task_options: dict[str, Any] = Field({}, description="The task's own settings.")
    run_dir: str | None = Field(None, description="Where the run goes. Empty: runs/NAME-TIME.")
    data: DataConfig = DataConfig()
    text: TextConfig = TextConfig()
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    training: TrainingConfig = TrainingConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    distillation: DistillationConfig = DistillationConfig()

    @model_validator(mode="after")
    def _a_teacher_is_compared_with_one_pass(self) -> "Config":
        if self.distillation.teacher and (self.training.r_drop or self.training.adversarial_norm):
            raise ValueError("distillation.teacher: does not go with training.r_drop or adversarial_norm")
        return self

    @model_validator(mode="after")
    def _sizes_belong_to_scratch(self) -> "Config":
        backbone = self.backbone
        if backbone.num_heads and backbone.hidden_dim and backbone.hidden_dim % backbone.num_heads:
            raise ValueError(
                f"backbone.hidden_dim: must be a multiple of backbone.num_heads. "
                f"Received: {backbone.hidden_dim} and {backbone.num_heads}"
            )
        return self

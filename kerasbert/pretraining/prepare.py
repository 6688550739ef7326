"""Everything a pre-training needs before its first step."""

from dataclasses import dataclass

from kerasbert.checkpoints import BackboneSource, resolve_backbone
from kerasbert.config import PretrainingConfig, ResolvedPretrainingConfig, TextConfig, merge
from kerasbert.corpus import Corpus
from kerasbert.engine.run import new_run_dir
from kerasbert.errors import ConfigError
from kerasbert.text import Vocabulary

_TEXT = ("lowercase", "ascii_punctuation", "added_tokens", "special_tokens")


@dataclass(frozen=True)
class PreparedPretraining:
    """The inputs of a pre-training."""

    config: ResolvedPretrainingConfig
    corpora: list[Corpus]  # one for each phase
    source: BackboneSource | None  # None: from scratch

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary that all corpora share."""
        return self.corpora[0].vocabulary

    @property
    def text(self) -> TextConfig:
        """How strings become tokens, as the corpora were made."""
        return TextConfig(**self.corpora[0].settings.model_dump(include=set(_TEXT)))

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all phases."""
        return sum(phase.steps for phase in self.config.phases)


def prepare_pretraining(config: PretrainingConfig) -> PreparedPretraining:
    """Opens the corpora and the source, and settles what the configuration leaves open.

    Raises:
        UserError: they do not fit together; the message says why.
    """
    run_dir = config.run_dir or new_run_dir("pretrain", config.training)
    corpora = [Corpus.open(phase.corpus) for phase in config.phases]
    _require_same_text(config, corpora)
    for place, (phase, corpus) in enumerate(zip(config.phases, corpora, strict=True)):
        if phase.batch_size > corpus.counts["train"].examples:
            raise ConfigError(
                f"phases.{place}.batch_size: must be at most {corpus.counts['train'].examples}, the examples "
                f"of {corpus.path}. Received: {phase.batch_size}"
            )
    longest = max(corpus.settings.max_length for corpus in corpora)
    source, encoder = resolve_backbone(config.backbone, longest)
    if source and source.vocabulary.tokens != corpora[0].vocabulary.tokens:
        raise ConfigError(
            f"phases.0.corpus: {corpora[0].path} is not of the vocabulary of {encoder.source}. "
            f"Build it with --vocabulary {encoder.source}"
        )
    if longest > encoder.max_positions:
        raise ConfigError(
            f"backbone.max_positions: must be at least {longest}, the longest examples of the corpora. "
            f"Received: {encoder.max_positions}"
        )
    chosen = {"run_dir": run_dir, "backbone": encoder.model_dump()}
    resolved = ResolvedPretrainingConfig.model_validate(merge(config.model_dump(), chosen))
    return PreparedPretraining(resolved, corpora, source)


def _require_same_text(config: PretrainingConfig, corpora: list[Corpus]) -> None:
    first = corpora[0]
    for place, corpus in enumerate(corpora):
        where = f"phases.{place}.corpus: {corpus.path}"
        if corpus.vocabulary.tokens != first.vocabulary.tokens:
            raise ConfigError(f"{where} has another vocabulary than {first.path}.")
        for name in _TEXT:
            if getattr(corpus.settings, name) != getattr(first.settings, name):
                raise ConfigError(f"{where} has other settings ({name}) than {first.path}.")
        if config.nsp and corpus.settings.pairs == "none":
            raise ConfigError(f"{where} has no sentence pairs. Set nsp: false, or build it with --pairs nsp.")

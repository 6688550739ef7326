"""Everything a pre-training needs before its first step."""

from dataclasses import dataclass

from kerasbert import progress
from kerasbert.checkpoints import BackboneSource, open_source, resolve_backbone
from kerasbert.config import PretrainingConfig, ResolvedPretrainingConfig, TextConfig, merge
from kerasbert.corpus import Corpus
from kerasbert.engine.run import new_run_dir
from kerasbert.errors import ConfigError, UserError
from kerasbert.pretraining.teacher import Teacher
from kerasbert.pretraining.texts import TextFile, Texts
from kerasbert.text import Vocabulary, import_vocabulary

_TEXT = ("lowercase", "ascii_punctuation", "added_tokens", "special_tokens")


@dataclass(frozen=True)
class PreparedPretraining:
    """The inputs of a pre-training."""

    config: ResolvedPretrainingConfig
    phases: list[Corpus | Texts]  # what each of them learns from
    source: BackboneSource | None  # None: from scratch
    vocabulary: Vocabulary  # that all corpora share
    text: TextConfig  # how strings become tokens, as the corpora were made
    teacher: Teacher | None

    @property
    def corpora(self) -> list[Corpus]:
        """The corpora among the phases."""
        return [phase for phase in self.phases if isinstance(phase, Corpus)]

    @property
    def words(self) -> str:
        """The units of whole-word masking."""
        return self.corpora[0].settings.words if self.corpora else "characters"

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all phases."""
        return sum(phase.steps for phase in self.config.phases)


def prepare_pretraining(config: PretrainingConfig) -> PreparedPretraining:
    """Opens corpora, texts, teacher and source, and settles what the configuration leaves open.

    Raises:
        UserError: they do not fit together; the message says why.
    """
    run_dir = config.run_dir or new_run_dir("pretrain", config.training)
    corpora = {place: Corpus.open(phase.corpus) for place, phase in enumerate(config.phases) if phase.corpus}
    _require_same_text(config, corpora)
    lengths = {place: corpus.settings.max_length for place, corpus in corpora.items()}
    longest = max(lengths.get(place, phase.max_length) for place, phase in enumerate(config.phases))
    source, encoder = resolve_backbone(config.backbone, longest)
    vocabulary, text = _vocabulary(config, corpora, source)
    if source and source.vocabulary.digest != vocabulary.digest:
        raise ConfigError(
            f"phases.{min(corpora)}.corpus: {corpora[min(corpora)].path} is not of the vocabulary of "
            f"{encoder.source}. Build it with --vocabulary {encoder.source}"
        )
    if longest > encoder.max_positions:
        raise ConfigError(
            f"backbone.max_positions: must be at least {longest}, the longest examples. "
            f"Received: {encoder.max_positions}"
        )
    teacher = _open_teacher(config)
    texts = _read_texts(config)
    phases = [corpora.get(place) or texts[place] for place in range(len(config.phases))]
    for place, (phase, examples) in enumerate(zip(config.phases, phases, strict=True)):
        if phase.batch_size > examples.count:
            raise ConfigError(
                f"phases.{place}.batch_size: must be at most {examples.count}, the examples of "
                f"{phase.corpus or 'the texts'}. Received: {phase.batch_size}"
            )
    chosen = {"run_dir": run_dir, "backbone": encoder.model_dump()}
    if teacher:  # of a hub, the commit that was fetched
        chosen["teacher"] = {"source": teacher.encoder.source}
    resolved = ResolvedPretrainingConfig.model_validate(merge(config.model_dump(), chosen))
    return PreparedPretraining(resolved, phases, source, vocabulary, text, teacher)


def _vocabulary(
    config: PretrainingConfig, corpora: dict[int, Corpus], source: BackboneSource | None
) -> tuple[Vocabulary, TextConfig]:
    if config.vocabulary and (corpora or source):
        raise ConfigError("vocabulary: comes with the corpora or with backbone.source. Remove the key.")
    if corpora:
        first = next(iter(corpora.values()))
        return first.vocabulary, TextConfig(**first.settings.model_dump(include=set(_TEXT)))
    if source:
        return source.vocabulary, TextConfig(**source.text)
    if not config.vocabulary:
        raise ConfigError(
            "vocabulary: name one, such as that of kerasbert vocab train, since there is no corpus and "
            "backbone.source is scratch."
        )
    if config.vocabulary.endswith((".txt", ".model")):
        vocabulary = import_vocabulary(config.vocabulary)
        return vocabulary, TextConfig(lowercase=vocabulary.kind == "WordPiece")
    opened = open_source(config.vocabulary)
    return opened.vocabulary, TextConfig(**opened.text)


def _open_teacher(config: PretrainingConfig) -> Teacher | None:
    name = config.teacher.source
    if name is None:
        return None
    if config.teacher.starting_vectors and config.backbone.source != "scratch":
        raise ConfigError(
            "teacher.starting_vectors: can be set with backbone.source: scratch only; "
            f"{config.backbone.source} brings its own. Remove the key."
        )
    if config.teacher.masked_lm_weight and not config.masking.fraction:
        raise ConfigError("masking.fraction: must be above 0 with teacher.masked_lm_weight. Received: 0")
    try:
        with progress.phase(f"loading the teacher {name}"):
            return Teacher(open_source(name), config.teacher, config.training.precision)
    except ConfigError:
        raise
    except UserError as error:
        raise type(error)(f"teacher.source: {error}") from error


def _read_texts(config: PretrainingConfig) -> dict[int, Texts]:
    files: dict[str, TextFile] = {}
    texts = {}
    for place, phase in enumerate(config.phases):
        for path in phase.texts:
            if path not in files:
                files[path] = TextFile.read(path)
        if phase.texts:
            texts[place] = Texts([files[path] for path in phase.texts], phase.max_length)
    return texts


def _require_same_text(config: PretrainingConfig, corpora: dict[int, Corpus]) -> None:
    if not corpora:
        return
    if not config.masking.fraction:
        raise ConfigError("masking.fraction: must be above 0 to learn from a corpus. Received: 0")
    first = next(iter(corpora.values()))
    for place, corpus in corpora.items():
        where = f"phases.{place}.corpus: {corpus.path}"
        if corpus.vocabulary.digest != first.vocabulary.digest:
            raise ConfigError(f"{where} has another vocabulary than {first.path}.")
        for name in _TEXT:
            if getattr(corpus.settings, name) != getattr(first.settings, name):
                raise ConfigError(f"{where} has other settings ({name}) than {first.path}.")
        if config.nsp and corpus.settings.pairs == "none":
            raise ConfigError(f"{where} has no sentence pairs. Set nsp: false, or build it with --pairs nsp.")

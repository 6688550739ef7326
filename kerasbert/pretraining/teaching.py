"""Brings the texts of a pre-training together with what its teacher makes of them."""

from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.corpus import CorpusSettings
from kerasbert.corpus.tokenize import Tokenizer
from kerasbert.errors import ConfigError
from kerasbert.pretraining.aligned_texts import AlignedTexts, align_texts
from kerasbert.pretraining.prepare import PreparedPretraining
from kerasbert.pretraining.starting_vectors import ordinary_tokens
from kerasbert.pretraining.teacher_states import TeacherStates, compute_states, open_states
from kerasbert.pretraining.text_batches import TextBatches
from kerasbert.pretraining.texts import TextFile, Texts

_SAMPLE = 1 << 16  # states of a file that its mean is taken of


def states_cache(prepared: PreparedPretraining) -> Path:
    """Returns the directory of the teacher's states."""
    return Path(prepared.config.teacher.cache or Path(prepared.config.run_dir) / "teacher")


def compute_all_states(prepared: PreparedPretraining, cache: Path) -> None:
    """Computes the states of all texts that are not in the cache yet."""
    teacher = prepared.teacher
    if teacher is None:
        return
    if prepared.config.teacher.starting_vectors:
        tokens = ordinary_tokens(prepared.vocabulary)
        compute_states(cache, teacher, list(tokens.values()), "the tokens")
    for file in _files(prepared):
        compute_states(cache, teacher, file.texts, file.path.name)
    teacher.release()


def open_batches(prepared: PreparedPretraining, cache: Path) -> list[TextBatches | None]:
    """Returns the batches of each phase of texts, None for phases of a corpus."""
    teacher = prepared.teacher
    if teacher is None:
        return [None for _ in prepared.phases]
    longest = max(phase.max_length for phase in prepared.phases if isinstance(phase, Texts)) - 2
    settings = CorpusSettings(max_length=longest + 2, words=prepared.words, **prepared.text.tokenization)
    tokenizer = Tokenizer(prepared.vocabulary, settings)
    opened = {file.path: open_states(cache, teacher, file.texts) for file in _files(prepared)}
    means = _means(list(opened.values()))
    aligned: dict[Path, AlignedTexts] = {}
    for file in _files(prepared):
        aligned[file.path] = align_texts(
            file.texts, opened[file.path], tokenizer, prepared.vocabulary, teacher, longest
        )
    tokens = sum(len(file.ids) for file in aligned.values())
    share = sum(file.aligned for file in aligned.values()) / max(tokens, 1)
    progress.note(f"teacher: {share:.2%} of the tokens share characters with the teacher's")
    phases = [
        TextBatches(
            [aligned[file.path] for file in phase.files],
            [file.rows for file in phase.files],
            [file.held_out for file in phase.files],
            means,
            prepared.vocabulary,
            phase.max_length,
        )
        if isinstance(phase, Texts)
        else None
        for phase in prepared.phases
    ]
    for place, (phase, batches) in enumerate(zip(prepared.config.phases, phases, strict=True)):
        if batches and batches.count < phase.batch_size:
            raise ConfigError(
                f"phases.{place}.batch_size: must be at most {batches.count}, the texts that have tokens. "
                f"Received: {phase.batch_size}"
            )
    return phases


def _files(prepared: PreparedPretraining) -> list[TextFile]:
    """Returns each file of texts once."""
    phases = [phase for phase in prepared.phases if isinstance(phase, Texts)]
    return list({file.path: file for phase in phases for file in phase.files}.values())


def _means(files: list[TeacherStates]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the means of the states of tokens and of texts: a teacher's point all in one direction."""
    full = [file for file in files if len(file.tokens)]
    if not full:
        return np.zeros(files[0].tokens.shape[1], np.float32), np.zeros(files[0].texts.shape[1], np.float32)
    samples = [file.tokens[:: max(1, len(file.tokens) // _SAMPLE)] for file in full]
    tokens = np.average(
        [sample.mean(axis=0, dtype=np.float64) for sample in samples],
        axis=0,
        weights=[len(file.tokens) for file in full],
    )
    texts = np.average(
        [file.texts.mean(axis=0, dtype=np.float64) for file in full],
        axis=0,
        weights=[len(file.texts) for file in full],
    )
    return tokens.astype(np.float32), texts.astype(np.float32)

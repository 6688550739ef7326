"""The teacher's states of many texts on disk: float16, computed once, resumable."""

import contextlib
import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.errors import CheckpointError, one_line
from kerasbert.files import atomic_path, make_directory, wait_for_lock, wrap_read_errors, wrap_write_errors
from kerasbert.pretraining.teacher import Teacher

_TOKENS = 8192  # of a batch, special ones included


@dataclass(frozen=True)
class TeacherStates:
    """The states of texts.

    Attributes:
        ids: int32, the teacher's tokens of all texts.
        bounds: int64 [texts + 1], where those of each text are.
        starts: int64 [texts], the first row of each text in `tokens`.
        tokens: float16 [tokens, width].
        texts: float16 [texts, width].
    """

    ids: np.ndarray
    bounds: np.ndarray
    starts: np.ndarray
    tokens: np.ndarray
    texts: np.ndarray


def states_directory(cache: Path, teacher: Teacher, texts: Sequence[str]) -> Path:
    """Returns where the states of `texts` are, or are to be."""
    digest = hashlib.sha256("\n".join(texts).encode())
    return cache / teacher.digest[:16] / digest.hexdigest()[:16]


def compute_states(cache: Path, teacher: Teacher, texts: Sequence[str], name: str) -> None:
    """Computes the states of `texts` that are not in the cache yet.

    Texts are computed in order of length, in batches without padding, each of which is appended to two files.
    After an interruption the last whole batch is continued from. Another process with the same texts waits.

    Args:
        cache: a directory that pre-trainings may share.
        teacher: whose states.
        texts: each is computed once.
        name: of the texts, for the progress bar.

    Raises:
        UserError: the disk is full, or the cache cannot be written.
        CheckpointError: a state is too large for float16, or not finite.
    """
    directory = states_directory(cache, teacher, texts)
    make_directory(directory)
    with contextlib.ExitStack() as stack:
        with progress.phase(f"waiting for another process that computes states of {name}"):
            stack.enter_context(wait_for_lock(directory))
        ids, bounds = _tokens_of(directory, teacher, texts)
        lengths = np.diff(bounds)
        order = np.argsort(lengths, kind="stable")
        batches = _batches(lengths[order])
        rows = np.concatenate([[0], lengths[order].cumsum()])
        files = directory / "tokens.f16", directory / "texts.f16"
        row_size = 2 * teacher.width
        whole = [_size(path) // row_size for path in files]
        done = sum(rows[end] <= whole[0] and end <= whole[1] for _, end in batches)
        if done == len(batches):
            return
        with (
            wrap_write_errors(directory),
            files[0].open("ab") as of_tokens,
            files[1].open("ab") as of_texts,
            progress.phase(f"teacher's states of {name}", len(ids), "tokens") as shown,
        ):
            begin = batches[done][0]
            of_tokens.truncate(int(rows[begin]) * row_size)
            of_texts.truncate(begin * row_size)
            shown.move(int(rows[begin]))
            for begin, end in batches[done:]:
                batch = order[begin:end]
                flat = np.concatenate([ids[bounds[text] : bounds[text + 1]] for text in batch])
                tokens, vectors = teacher.states(flat, lengths[batch])
                of_tokens.write(_float16(tokens).tobytes())
                of_texts.write(_float16(vectors).tobytes())
                shown.move(int(rows[end]))


def open_states(cache: Path, teacher: Teacher, texts: Sequence[str]) -> TeacherStates:
    """Opens the states that `compute_states` computed."""
    directory = states_directory(cache, teacher, texts)
    ids, bounds = _tokens_of(directory, teacher, texts)
    lengths = np.diff(bounds)
    order = np.argsort(lengths, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    starts = np.concatenate([[0], lengths[order].cumsum()])[place]
    with wrap_read_errors(directory):
        tokens = _map(directory / "tokens.f16", len(ids), teacher.width)
        vectors = _map(directory / "texts.f16", len(order), teacher.width)
    return TeacherStates(ids, bounds, starts, tokens, vectors[place])  # texts in memory


def _tokens_of(directory: Path, teacher: Teacher, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    path = directory / "ids.npz"
    if path.is_file():
        try:
            with wrap_read_errors(path), np.load(path, allow_pickle=False) as stored:
                return stored["ids"], stored["bounds"]
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{path}: is damaged ({one_line(error)}). Remove it.") from error
    with progress.phase("tokenising for the teacher"):
        ids, bounds = teacher.tokenize(texts)
    with atomic_path(path) as temporary:
        np.savez(temporary, ids=ids, bounds=bounds)
    return ids, bounds


def _batches(lengths: np.ndarray) -> list[tuple[int, int]]:
    """Returns the begin and end of each batch of texts, whose lengths rise."""
    batches, begin = [], 0
    while begin < len(lengths):
        # The longest is the last: its row and all before it fit, padded.
        most = max(1, _TOKENS // (int(lengths[begin]) + 2))
        end = min(begin + most, len(lengths))
        end = max(begin + 1, min(end, begin + _TOKENS // (int(lengths[end - 1]) + 2)))
        batches.append((begin, end))
        begin = end
    return batches


def _float16(states: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        stored = states.astype(np.float16)
    if not np.isfinite(stored).all():
        raise CheckpointError(
            "teacher.source: its states are not finite, or too large for float16. Take another encoder."
        )
    return stored


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _map(path: Path, rows: int, width: int) -> np.ndarray:
    if not rows:  # an empty file cannot be mapped
        return np.zeros([0, width], np.float16)
    return np.memmap(path, np.float16, "r", shape=(rows, width))

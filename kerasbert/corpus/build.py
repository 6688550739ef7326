"""Builds a corpus on one machine, with one shard in memory at a time."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from kerasbert import progress
from kerasbert.corpus.corpus import SETUP, SUMMARY, Corpus
from kerasbert.corpus.read import Document, Unreadable, read_documents
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.shards import Counts, read_counts, read_json, shard_names, shard_of, write_shard
from kerasbert.corpus.tokenize import TokenizedDocument, Tokenizer
from kerasbert.errors import DataError, UserError
from kerasbert.files import LOCK, exclusive_lock, make_directory, wrap_write_errors, write_json
from kerasbert.text import Vocabulary

_BATCH = 4096  # sentences tokenised at once


def build_corpus(
    files: Sequence[str | Path], directory: Path, vocabulary: Vocabulary, settings: CorpusSettings
) -> Corpus:
    """Reads, tokenises and pairs the text of `files` into a corpus directory.

    The result depends only on the files, the vocabulary and the settings. An interrupted build continues
    when it is started again. A file that is listed twice counts twice.

    Raises:
        UserError: a file cannot be read, or `directory` holds something else.
    """
    spill = directory / ".spill"
    with open_corpus(files, directory, vocabulary, settings) as open_shards, wrap_write_errors(directory):
        shutil.rmtree(spill, ignore_errors=True)
        try:
            if open_shards:
                spill.mkdir()
                unreadable = _spill(files, spill, set(open_shards), vocabulary, settings)
                for name in progress.track(open_shards, "making examples", len(open_shards), "shards"):
                    documents = map(TokenizedDocument.from_bytes, _read(spill / name))
                    write_shard(directory, name, documents, unreadable.get(name, []), vocabulary, settings)
        except tf.errors.OpError as error:
            raise UserError(f"{directory}: cannot be written ({error.message}).") from error
        finally:
            shutil.rmtree(spill, ignore_errors=True)
        return finish_corpus(directory)


@contextlib.contextmanager
def open_corpus(
    files: Sequence[str | Path], directory: Path, vocabulary: Vocabulary, settings: CorpusSettings
) -> Iterator[list[str]]:
    """Locks and prepares a corpus directory, and yields the names of the missing shards."""
    setup = {
        "files": [{"path": str(file), "bytes": _size(file)} for file in files],
        "vocabulary": vocabulary.digest,
        "settings": settings.model_dump(),
    }
    make_directory(directory)
    with exclusive_lock(directory):
        _prepare(directory, setup, vocabulary)
        names = [name for split in shard_names(settings).values() for name in split]
        yield [name for name in names if read_counts(directory, name) is None]


def _prepare(directory: Path, setup: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    if (directory / SETUP).is_file():
        if read_json(directory / SETUP, dict) != setup:
            raise UserError(
                f"{directory}: was started with other files, settings or another vocabulary. Choose another "
                "directory, or remove it."
            )
    elif any(path.name != LOCK for path in directory.iterdir()):
        raise UserError(f"{directory}: is not empty. Choose another directory.")
    else:
        vocabulary.save(directory / vocabulary.file_name)
        write_json(directory / SETUP, setup)


def finish_corpus(directory: Path) -> Corpus:
    """Writes the summary file, which marks the corpus as finished."""
    setup = read_json(directory / SETUP, dict)
    settings = CorpusSettings(**setup["settings"])
    summary: dict[str, Any] = {}
    for split, names in shard_names(settings).items():
        counts = sum((read_counts(directory, name) or Counts() for name in names), Counts())
        summary[split] = dataclasses.asdict(counts)
    if not summary["train"]["examples"]:
        raise DataError(f"{directory}: there is no text in {', '.join(f['path'] for f in setup['files'])}.")
    write_json(directory / SUMMARY, summary)
    return Corpus.open(directory)


def _size(path: str | Path) -> int:
    try:
        return Path(path).stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error


def _spill(
    files: Sequence[str | Path],
    spill: Path,
    wanted: set[str],
    vocabulary: Vocabulary,
    settings: CorpusSettings,
) -> dict[str, list[Unreadable]]:
    """Writes the tokenised documents of each wanted shard to its own file."""
    tokenizer = Tokenizer(vocabulary, settings)
    unreadable: dict[str, list[Unreadable]] = {}
    batch: list[Document] = []
    waiting = 0
    with contextlib.ExitStack() as stack:
        writers = {name: stack.enter_context(tf.io.TFRecordWriter(str(spill / name))) for name in wanted}

        def write_batch() -> None:
            for document in tokenizer(batch):
                writers[shard_of(document.key, settings)].write(document.to_bytes())
            batch.clear()

        for item in progress.track(read_all(files, settings), "reading and tokenising", unit="documents"):
            shard = shard_of(item.key, settings)
            if shard not in wanted:
                continue
            if isinstance(item, Unreadable):
                unreadable.setdefault(shard, []).append(item)
                continue
            batch.append(item)
            waiting += len(item.sentences)
            if waiting >= _BATCH:
                write_batch()
                waiting = 0
        write_batch()
    return unreadable


def read_all(files: Sequence[str | Path], settings: CorpusSettings) -> Iterator[Document | Unreadable]:
    """Yields the documents of all files."""
    for place, file in enumerate(files):
        yield from read_documents(file, place, settings.text_field, settings.encoding)


def _read(path: Path) -> Iterator[bytes]:
    return (record.numpy() for record in tf.data.TFRecordDataset(str(path)))

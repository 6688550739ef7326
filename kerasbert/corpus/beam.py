"""Builds a corpus with an Apache Beam pipeline, for more text than one machine can handle.

Every step is a plain function of this package; Beam groups the documents of a shard.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kerasbert.corpus.build import finish_corpus, open_corpus
from kerasbert.corpus.corpus import Corpus
from kerasbert.corpus.read import Document, Unreadable, read_documents
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.shards import shard_of, write_shard
from kerasbert.corpus.tokenize import TokenizedDocument, Tokenizer
from kerasbert.errors import UserError
from kerasbert.extras import needs_extra
from kerasbert.text import Vocabulary

with needs_extra("beam", "--beam"):
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

_BATCH = 256  # documents tokenised at once


def build_corpus_with_beam(
    files: Sequence[str | Path],
    directory: Path,
    vocabulary: Vocabulary,
    settings: CorpusSettings,
    flags: str = "",
) -> Corpus:
    """Builds the same corpus as `build_corpus`, byte for byte, with a Beam runner.

    Args:
        files: paths that every worker can read.
        directory: a path that every worker can write.
        vocabulary: the vocabulary.
        settings: the settings of the corpus.
        flags: Beam's flags, such as `--runner=FlinkRunner --flink_master=HOST:8081`.

    Raises:
        UserError: Beam rejects the flags, a file cannot be read, or `directory` holds something else.
    """
    pipeline = _pipeline(flags)
    with open_corpus(files, directory, vocabulary, settings) as open_shards:
        if open_shards:
            with pipeline:
                _ = (
                    pipeline
                    | "Files" >> beam.Create(list(enumerate(map(str, files))))
                    | "Spread files" >> beam.Reshuffle()
                    | "Read" >> beam.FlatMap(_read, settings, frozenset(open_shards))
                    | "Tokenize" >> beam.ParDo(_Tokenize(vocabulary, settings))
                    | "Shards" >> beam.GroupByKey()
                    | "Pair and write" >> beam.Map(_write, directory, vocabulary, settings)
                )
        return finish_corpus(directory)


def _pipeline(flags: str) -> beam.Pipeline:
    try:
        return beam.Pipeline(options=PipelineOptions(shlex.split(flags)))
    except (ValueError, SystemExit) as error:  # argparse exits if a value has the wrong type
        raise UserError(f"--beam: Apache Beam does not accept {flags!r} ({error}).") from error


def _read(
    file: tuple[int, str], settings: CorpusSettings, wanted: frozenset[str]
) -> Iterator[Document | Unreadable]:
    place, path = file
    for item in read_documents(path, place, settings.text_field, settings.encoding):
        if shard_of(item.key, settings) in wanted:
            yield item


class _Tokenize(beam.DoFn):
    """Maps documents to (shard, content), in batches."""

    def __init__(self, vocabulary: Vocabulary, settings: CorpusSettings):
        self._vocabulary, self._settings = vocabulary, settings

    def setup(self) -> None:
        self._tokenizer = Tokenizer(self._vocabulary, self._settings)

    def start_bundle(self) -> None:
        self._batch: list[Document] = []

    def process(self, item: Document | Unreadable) -> Iterator[tuple[str, Any]]:
        if isinstance(item, Unreadable):
            yield shard_of(item.key, self._settings), item
            return
        self._batch.append(item)
        if len(self._batch) == _BATCH:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
        for value in self._flush():
            yield beam.utils.windowed_value.WindowedValue(
                value, beam.window.MIN_TIMESTAMP, [beam.window.GlobalWindow()]
            )

    def _flush(self) -> Iterator[tuple[str, bytes]]:
        batch, self._batch = self._batch, []
        for document in self._tokenizer(batch):
            yield shard_of(document.key, self._settings), document.to_bytes()


def _write(
    shard: tuple[str, Iterable[Any]], directory: Path, vocabulary: Vocabulary, settings: CorpusSettings
) -> None:
    name, items = shard
    documents, unreadable = [], []
    for item in items:
        if isinstance(item, Unreadable):
            unreadable.append(item)
        else:
            documents.append(TokenizedDocument.from_bytes(item))
    write_shard(directory, name, documents, unreadable, vocabulary, settings)

"""Learns a vocabulary from raw text files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from kerasbert import progress
from kerasbert.corpus.read import Unreadable, read_documents
from kerasbert.errors import DataError
from kerasbert.text import SPECIAL_TOKENS, TextGraph, Vocabulary, learn_vocabulary

_BATCH = 4096  # sentences at once


def train_vocabulary(
    files: Sequence[str | Path],
    size: int = 8000,
    min_count: int = 5,
    lowercase: bool = True,
    text_field: str = "text",
    encoding: str = "utf-8",
) -> tuple[Vocabulary, int]:
    """Learns a WordPiece vocabulary from raw text; memory grows with the number of distinct words.

    Args:
        files: files in the formats of `read_documents`.
        size: maximum number of tokens, special tokens included.
        min_count: rarer characters are left out.
        lowercase: whether to lower-case and strip accents first.
        text_field: name of the text column in tables.
        encoding: encoding of text files.

    Returns:
        The vocabulary, and the number of unreadable lines that were left out.

    Raises:
        DataError: a file cannot be read, or there is no text.
    """
    graph = TextGraph(Vocabulary(SPECIAL_TOKENS), max_length=8, lowercase=lowercase)
    counts: Counter[bytes] = Counter()
    unreadable = 0
    for sentences, unreadable_lines in _batches(files, text_field, encoding):
        counts.update(graph.words(tf.constant(sentences, tf.string)).flat_values.numpy())
        unreadable += unreadable_lines
    if not counts:
        raise DataError(f"there is no text in {', '.join(map(str, files))}.")
    words = Counter({word.decode(): count for word, count in counts.items()})
    with progress.phase("learning the vocabulary"):
        return learn_vocabulary(words.elements(), size, min_count), unreadable


def _batches(files: Sequence[str | Path], text_field: str, encoding: str) -> Iterator[tuple[list[str], int]]:
    """Yields batches of sentences, each with the number of unreadable lines."""
    batch: list[str] = []
    unreadable = 0
    for place, file in enumerate(files):
        documents = read_documents(file, place, text_field, encoding)
        for document in progress.track(documents, f"reading {file}", unit="documents"):
            if isinstance(document, Unreadable):
                unreadable += 1
                continue
            batch += document.sentences
            if len(batch) >= _BATCH:
                yield batch, unreadable
                batch, unreadable = [], 0
    yield batch, unreadable

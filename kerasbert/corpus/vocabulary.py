"""Learns a vocabulary from raw text files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import tensorflow as tf

from kerasbert import progress
from kerasbert.corpus.read import Unreadable, read_documents
from kerasbert.errors import DataError
from kerasbert.text import (
    SPECIAL_TOKENS,
    TextGraph,
    Vocabulary,
    WordPieceVocabulary,
    learn_sentencepiece,
    learn_vocabulary,
)

_BATCH = 4096  # sentences at once


def train_vocabulary(
    files: Sequence[str | Path],
    size: int = 8000,
    min_count: int = 5,
    lowercase: bool = True,
    text_field: str = "text",
    encoding: str = "utf-8",
    kind: Literal["wordpiece", "sentencepiece"] = "wordpiece",
    longest_piece: int = 16,
) -> tuple[Vocabulary, int]:
    """Learns a vocabulary from raw text.

    Memory grows with the number of distinct words, and for SentencePiece with the text.

    Args:
        files: files in the formats of `read_documents`.
        size: maximum number of tokens, special tokens included.
        min_count: rarer characters are left out.
        lowercase: whether to lower-case first, for WordPiece also to strip accents.
        text_field: name of the text column in tables.
        encoding: encoding of text files.
        kind: which algorithm splits texts.
        longest_piece: maximum number of characters of a SentencePiece piece.

    Returns:
        The vocabulary, and the number of unreadable lines that were left out.

    Raises:
        DataError: a file cannot be read, or there is no text.
        VocabularyError: `size` is too small for the characters of the text.
    """
    if kind == "sentencepiece":
        return _train_sentencepiece(files, size, min_count, lowercase, text_field, encoding, longest_piece)
    graph = TextGraph(WordPieceVocabulary(SPECIAL_TOKENS), max_length=8, lowercase=lowercase)
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


def _train_sentencepiece(
    files: Sequence[str | Path],
    size: int,
    min_count: int,
    lowercase: bool,
    text_field: str,
    encoding: str,
    longest_piece: int,
) -> tuple[Vocabulary, int]:
    unreadable = 0

    def sentences() -> Iterator[str]:  # twice
        nonlocal unreadable
        unreadable = 0
        for batch, unreadable_lines in _batches(files, text_field, encoding):
            yield from batch
            unreadable += unreadable_lines

    if not any(sentence.strip() for sentence in sentences()):
        raise DataError(f"there is no text in {', '.join(map(str, files))}.")
    with progress.phase("learning the vocabulary"):
        return learn_sentencepiece(sentences, size, min_count, lowercase, longest_piece), unreadable


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

"""Tokenises sentences and marks where words begin."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tensorflow as tf

from kerasbert.corpus.read import Document
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.text import TextGraph, Vocabulary
from kerasbert.text.segment import word_segmenter


@dataclass(frozen=True, slots=True)
class Sentence:
    """Token ids, and for each one whether a word begins there."""

    ids: list[int]
    starts: list[bool]


@dataclass(frozen=True, slots=True)
class TokenizedDocument:
    """The sentences of a document, without empty ones."""

    key: str
    sentences: list[Sentence]

    def to_bytes(self) -> bytes:
        """Returns the document as JSON."""
        return json.dumps([self.key, [[s.ids, list(map(int, s.starts))] for s in self.sentences]]).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "TokenizedDocument":
        """Reads the result of `to_bytes`."""
        key, sentences = json.loads(content)
        return cls(key, [Sentence(ids, list(map(bool, starts))) for ids, starts in sentences])


class Tokenizer:
    """The text graph of classification, plus word boundaries for whole-word masking.

    All pieces of a word belong together. Chinese characters (SentencePiece: pieces) are single words, unless
    `settings.words` is `jieba`.
    """

    def __init__(self, vocabulary: Vocabulary, settings: CorpusSettings):
        self._graph = TextGraph(
            vocabulary,
            settings.max_length,
            lowercase=settings.lowercase,
            ascii_punctuation=settings.ascii_punctuation,
            added_tokens=settings.added_tokens,
            special_tokens=settings.special_tokens,
        )
        self._segment = word_segmenter("use --words characters") if settings.words == "jieba" else None

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def split(sentences: tf.Tensor) -> tuple[tf.Tensor, ...]:
            words, pieces = self._graph.split(sentences)
            return words.flat_values, words.row_splits, pieces.flat_values, pieces.values.row_splits

        self._split = split

    def __call__(self, documents: Sequence[Document]) -> Iterator[TokenizedDocument]:
        """Tokenises a batch of documents."""
        sentences = [sentence for document in documents for sentence in document.sentences]
        # Plain lists: reading a ragged tensor row by row would take most of the time.
        words, of_sentence, pieces, of_word = (
            value.numpy().tolist()
            for value in self._split(tf.constant(sentences, tf.string, [len(sentences)]))
        )

        def sentence(number: int) -> Sentence:
            first, last = of_sentence[number], of_sentence[number + 1]
            begins = self._word_starts(words[first:last])
            starts: list[bool] = []
            for begin, place in zip(begins, range(first, last), strict=True):
                starts += [begin, *[False] * (of_word[place + 1] - of_word[place] - 1)]
            return Sentence(pieces[of_word[first] : of_word[last]], starts)

        numbers = iter(range(len(sentences)))
        for document in documents:
            parts = (sentence(next(numbers)) for _ in document.sentences)
            yield TokenizedDocument(document.key, [part for part in parts if part.ids])

    def _word_starts(self, words: list[bytes]) -> list[bool]:
        """Segments each run of Chinese words, which join those that are in one segment."""
        if self._segment is None:
            return [True] * len(words)
        begins: list[bool] = []
        for chinese, group in itertools.groupby((word.decode() for word in words), _is_chinese):
            run = list(group)
            if chinese:
                starts = set(itertools.accumulate(map(len, self._segment("".join(run))), initial=0))
                places = itertools.accumulate(map(len, run[:-1]), initial=0)
                begins += [place in starts for place in places]
            else:
                begins += [True] * len(run)
        return begins


def _is_chinese(word: str) -> bool:
    return all(
        "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff" for character in word
    )

"""Learns a SentencePiece model from texts."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sentencepiece

from kerasbert.errors import VocabularyError, one_line
from kerasbert.text.sentencepiece_vocabulary import SPACE, SentencePieceVocabulary
from kerasbert.text.wordpiece_vocabulary import SPECIAL_TOKENS

_LONGEST_LINE = 1 << 20  # bytes; the library skips longer ones
_THREADS = 8  # sums are made in parts, so the result depends on it


def learn_sentencepiece(
    sentences: Callable[[], Iterable[str]],
    size: int,
    min_count: int,
    lowercase: bool = True,
    longest_piece: int = 16,
) -> SentencePieceVocabulary:
    """Returns a unigram model (Kudo 2018, https://arxiv.org/abs/1804.10959) of at most `size` pieces.

    Texts are normalised by NFKC, so that full-width letters become ordinary ones, and spaces are joined. No
    space is put before a text, unlike in other models: in Chinese, words have none before them.
    The result depends only on the sentences and their order.

    Args:
        sentences: returns all sentences, each time it is called; they must fit into memory.
        size: maximum number of pieces, special tokens included.
        min_count: rarer characters are left out.
        lowercase: whether to fold case.
        longest_piece: maximum number of characters of a piece.

    Raises:
        VocabularyError: there is no text, or `size` is too small for its characters.
    """
    rule = "nmt_nfkc_cf" if lowercase else "nmt_nfkc"
    counts: Counter[str] = Counter()
    for sentence in _normalized(sentences(), rule):
        counts.update(sentence)
    least = len(SPECIAL_TOKENS) + sum(count >= min_count for count in counts.values())
    if least == len(SPECIAL_TOKENS):
        raise VocabularyError(
            f"there is no character that occurs at least {min_count:,} times to learn from."
        )
    if size < least:
        raise VocabularyError(
            f"{size:,} pieces are too few: the special tokens and the characters that occur at least "
            f"{min_count:,} times are {least:,}. Raise the size, or the least count of a character."
        )
    special: dict[str, Any] = {"control_symbols": [SPECIAL_TOKENS[-1]]}
    for id, name in enumerate(("pad", "unk", "bos", "eos")):
        special |= {f"{name}_id": id, f"{name}_piece": SPECIAL_TOKENS[id]}
    # The library's own option, a share of all characters, depends on the rest of the text.
    rare = str.maketrans(dict.fromkeys((c for c, count in counts.items() if count < min_count), "\n"))

    def split(text: str) -> list[str]:
        return [part for part in text.translate(rare).split("\n") if part]

    content = io.BytesIO()
    sentencepiece.set_random_generator_seed(0)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(part for text in _normalized(sentences(), rule) for part in split(text)),
            model_writer=content,
            model_type="unigram",
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            max_sentencepiece_length=longest_piece,
            max_sentence_length=_LONGEST_LINE,
            normalization_rule_name=rule,
            add_dummy_prefix=False,
            num_threads=_THREADS,
            minloglevel=2,
            **special,
        )
    except RuntimeError as error:
        raise VocabularyError(f"SentencePiece cannot learn {size:,} pieces: {one_line(error)}") from error
    return SentencePieceVocabulary(content.getvalue())


def _normalized(sentences: Iterable[str], rule: str) -> Iterator[str]:
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=rule, add_dummy_prefix=False)
    for sentence in sentences:
        # The library reads a NUL as the end of a string.
        yield normalizer.normalize(sentence.replace("\0", " ")).replace(SPACE, " ")

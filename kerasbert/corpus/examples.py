"""Makes sentence pairs from documents, as in BERT's pre-training (Devlin et al. 2019, appendix A.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.tokenize import Sentence, TokenizedDocument
from kerasbert.text import Vocabulary

# Labels: no second segment, the next sentences, or others.
NO_PAIR, NEXT, NOT_NEXT = -1, 0, 1
_Token = tuple[int, bool]  # its id, and whether it begins a word
_SHORTEST = 8  # tokens of an example


@dataclass(frozen=True, slots=True)
class Example:
    """[CLS] a [SEP] b [SEP], or [CLS] a [SEP], as ids without padding; see `text.packing.pack`."""

    ids: list[int]
    words: list[int]  # the word that each token belongs to, from 1; 0: a special token
    second: int  # start of the second segment; the length if there is none
    label: int  # NO_PAIR, NEXT or NOT_NEXT


def make_examples(
    documents: Sequence[TokenizedDocument],
    vocabulary: Vocabulary,
    settings: CorpusSettings,
    random: np.random.Generator,
) -> Iterator[Example]:
    """Yields the examples of `documents`; sentences that are too long are truncated.

    Consecutive sentences are collected up to the length of an example and split at a random sentence. With
    `nsp`, half of the pairs get a second segment from another document, and the sentences it replaces
    start the next example. A single sentence makes an example without a pair, so that both labels stay
    equally frequent.
    """
    for place, document in enumerate(documents):
        room = settings.max_length - (2 if settings.pairs == "none" else _special_of_pair(vocabulary))
        sentences, begin = document.sentences, 0
        while begin < len(sentences):
            target = room
            if random.random() < settings.short_share:
                target = int(random.integers(_SHORTEST, room + 1))
            end, length = begin, 0
            while end < len(sentences) and length < target:
                length += len(sentences[end].ids)
                end += 1
            if settings.pairs == "none" or end - begin == 1:
                yield _example(sentences[begin:end], [], NO_PAIR, vocabulary, settings.max_length, random)
                begin = end
                continue
            split = int(random.integers(begin + 1, end))
            first, second = sentences[begin:split], sentences[split:end]
            label = int(random.random() < 0.5)
            begin = end
            if label == NOT_NEXT and settings.pairs == "sop":
                first, second = second, first
            elif label == NOT_NEXT:
                wanted = max(target - sum(len(s.ids) for s in first), 1)
                other = _other_run(documents, place, wanted, random)
                if other:
                    second, begin = other, split
                else:  # this is the only document
                    label = NEXT
            yield _example(first, second, label, vocabulary, settings.max_length, random)


def _other_run(
    documents: Sequence[TokenizedDocument], place: int, wanted: int, random: np.random.Generator
) -> list[Sentence]:
    """Returns sentences with at least `wanted` tokens from a random position in another document."""
    if len(documents) < 2:
        return []
    other = int(random.integers(len(documents) - 1))
    sentences = documents[other + (other >= place)].sentences
    start = end = int(random.integers(len(sentences)))
    length = 0
    while end < len(sentences) and length < wanted:
        length += len(sentences[end].ids)
        end += 1
    return sentences[start:end]


def _example(
    first: Sequence[Sentence],
    second: Sequence[Sentence],
    label: int,
    vocabulary: Vocabulary,
    max_length: int,
    random: np.random.Generator,
) -> Example:
    a, b = _cut(
        _flat(first), _flat(second), max_length - (_special_of_pair(vocabulary) if second else 2), random
    )
    ids, words, word = [vocabulary.cls], [0], 0
    bounds = []
    for tokens in (a, b) if second else (a,):
        for place, (token, starts) in enumerate(tokens):
            word += starts or place == 0
            ids.append(token)
            words.append(word)
        ids.append(vocabulary.sep)
        words.append(0)
        bounds.append(len(ids))
    if second and vocabulary.two_separators:
        ids.insert(bounds[0], vocabulary.sep)
        words.insert(bounds[0], 0)
        bounds[0] = len(ids)  # both texts are one segment
    return Example(ids, words, bounds[0], label)


def _special_of_pair(vocabulary: Vocabulary) -> int:
    return 4 if vocabulary.two_separators else 3


def _cut(
    a: list[_Token], b: list[_Token], room: int, random: np.random.Generator
) -> tuple[list[_Token], list[_Token]]:
    """Removes single tokens at a random end of the longer list until both fit into `room`."""
    surplus = max(len(a) + len(b) - room, 0)
    from_longer = min(surplus, abs(len(a) - len(b)))
    from_each = (surplus - from_longer) // 2
    odd = surplus - from_longer - 2 * from_each
    off_a = from_each + (from_longer if len(a) > len(b) else 0)
    off_b = from_each + (from_longer if len(b) >= len(a) else 0) + odd
    cut = []
    for tokens, off in ((a, off_a), (b, off_b)):
        front = int(random.binomial(off, 0.5))
        cut.append(tokens[front : len(tokens) - (off - front)])
    return cut[0], cut[1]


def _flat(sentences: Sequence[Sentence]) -> list[_Token]:
    return [token for s in sentences for token in zip(s.ids, s.starts, strict=True)]

"""Learns a WordPiece vocabulary from texts."""

from collections import Counter
from collections.abc import Iterable

from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner

from kerasbert.text.wordpiece_vocabulary import SPECIAL_TOKENS, WordPieceVocabulary


def learn_vocabulary(words: Iterable[str], size: int, min_count: int) -> WordPieceVocabulary:
    """Returns a vocabulary of at most `size` tokens: special tokens, single characters, word pieces.

    A character that occurs only as a word by itself, like Chinese characters and punctuation, becomes one
    token. All other words are split into frequent pieces by tensorflow-text's learner
    (https://www.tensorflow.org/text/guide/subwords_tokenizer#optional_the_algorithm). The result depends
    only on the word counts.

    Args:
        words: all words of all texts, as returned by `TextGraph.words`.
        size: maximum number of tokens, special tokens included.
        min_count: rarer characters are left out, and pieces rarer than `min_count - 1` (the learner's
            search may end one below).
    """
    counts = Counter(words)
    for special in SPECIAL_TOKENS:  # words that are too long are [UNK]
        del counts[special]
    inside = {character for word in counts if len(word) > 1 for character in word}
    lone = Counter({w: n for w, n in counts.items() if len(w) == 1 and w not in inside})
    ranked = sorted(lone.items(), key=lambda item: (-item[1], item[0]))
    room = size - len(SPECIAL_TOKENS)
    characters = sorted(character for character, n in ranked[:room] if n >= min_count)
    pieces = _learn_pieces(
        {word: n for word, n in counts.items() if word not in lone},
        room - len(characters),
        min_count,
    )
    return WordPieceVocabulary([*SPECIAL_TOKENS, *characters, *pieces])


def _learn_pieces(counts: dict[str, int], size: int, min_count: int) -> list[str]:
    alphabet: Counter[str] = Counter()
    for word, n in counts.items():
        for character in word:
            alphabet[character] += n
    frequent = sum(n >= min_count for n in alphabet.values())
    if not frequent or size <= 0:
        return []
    if max(counts.values()) < min_count:  # the learner would lower its threshold
        characters = sorted(character for character, n in alphabet.items() if n >= min_count)
        return [*characters, *(f"##{character}" for character in characters)][:size]
    learned = learner.learn(
        sorted(counts.items()),
        vocab_size=size,
        reserved_tokens=[],
        lower_thresh=min_count,
        upper_thresh=max(min_count, *counts.values()),
        max_unique_chars=frequent,
        max_token_length=100,
    )
    # The learner may exceed `size` slightly: drop long pieces, which shorter ones can spell.
    short_first = sorted(learned, key=lambda piece: len(piece.removeprefix("##")) > 1)
    return short_first[:size]

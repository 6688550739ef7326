"""Aligns the tokens of a text in one vocabulary with its tokens in another, by their characters."""

import difflib
import unicodedata
from collections.abc import Sequence

import numpy as np

from kerasbert.text import Vocabulary
from kerasbert.text.sentencepiece_vocabulary import SPACE

# Stand for a token whose characters are unknown, on either side: private characters, never equal.
_UNKNOWN = ("\ue000", "\ue001")
_DROPPED = {"Mn", "Zs", "Zl", "Zp", "Cc", "Cf", "Co"}


def characters(text: str) -> str:
    """Returns what all tokenisers keep of a text: no case, accents, compatibility forms or whitespace."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).lower())
    return "".join(c for c in decomposed if c != SPACE and unicodedata.category(c) not in _DROPPED)


def token_characters(vocabulary: Vocabulary, side: int) -> np.ndarray:
    """Returns the characters of each token, as an array of str; those of special tokens are unknown.

    Args:
        vocabulary: of the tokens.
        side: 0 or 1; unknown characters of the two sides differ.
    """
    tokens = np.full(len(vocabulary), _UNKNOWN[side], object)
    for token in vocabulary.ordinary:
        tokens[token] = characters(token_text(vocabulary, token))
    return tokens


def token_text(vocabulary: Vocabulary, token: int) -> str:
    """Returns what an ordinary token stands for in a text: itself without the mark of a continued word."""
    text = vocabulary.tokens[token]
    if vocabulary.kind == "WordPiece" and len(text) > 2:
        return text.removeprefix("##")
    return text.replace(SPACE, " ").strip()


def overlaps(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
    """Returns which tokens share how many characters: int32 [pairs, 3] of left, right, characters.

    Characters that stand on one side only, such as those of [UNK] or beyond a truncation, are left out.

    Args:
        left: the characters of each token, as `token_characters` gives them.
        right: those of the other tokens of the same text.
    """
    a, b = "".join(left), "".join(right)
    in_a, in_b = _matches(a, b)
    of_a = np.repeat(np.arange(len(left)), [len(token) for token in left])[in_a]
    of_b = np.repeat(np.arange(len(right)), [len(token) for token in right])[in_b]
    # Both rise, so equal pairs are neighbours.
    new = np.flatnonzero(np.diff(of_a, prepend=-1) | np.diff(of_b, prepend=-1))
    counts = np.diff(new, append=len(of_a))
    return np.stack([of_a[new], of_b[new], counts], axis=1).astype(np.int32)


def _matches(a: str, b: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the characters of `a` and of `b` that are the same ones."""
    start = _common(a, b)
    same = np.arange(start)
    if start in (len(a), len(b)):
        return same, same
    rest_a, rest_b = a[start:], b[start:]
    end = _common(rest_a[::-1], rest_b[::-1])
    middle = difflib.SequenceMatcher(
        None, rest_a[: len(rest_a) - end], rest_b[: len(rest_b) - end], autojunk=False
    )
    blocks = [(start + block.a, start + block.b, block.size) for block in middle.get_matching_blocks()]
    blocks.append((len(a) - end, len(b) - end, end))
    return (
        np.concatenate([same, *(np.arange(first, first + size) for first, _, size in blocks)]),
        np.concatenate([same, *(np.arange(first, first + size) for _, first, size in blocks)]),
    )


def _common(a: str, b: str) -> int:
    """Returns the length of what both strings start with."""
    least = min(len(a), len(b))
    if a[:least] == b[:least]:
        return least
    return next(place for place in range(least) if a[place] != b[place])

"""Easy data augmentation (Wei & Zou 2019, section 2): synonyms, insertions, swaps and deletions of words.

Each function takes the words of a text, the share of them to change and a random generator, and returns
new words; at least one word is changed if possible. Punctuation and spaces stay in place.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kerasbert.data.source import read_lines
from kerasbert.errors import DataError

Synonyms = Mapping[str, Sequence[str]]
# Cilin, the usual Chinese thesaurus, begins a line with the code of its group: = synonyms, # and @ not.
_CILIN = re.compile(r"[A-Z][a-z]\d\d[A-Z]\d\d[=#@]")


def read_synonyms(path: str | Path) -> dict[str, list[str]]:
    """Reads a thesaurus: one group of synonyms a line, separated by spaces, or in the format of Cilin.

    Returns:
        The synonyms of each word.

    Raises:
        DataError: the file cannot be read, is not UTF-8 or contains no group.
    """
    found: dict[str, list[str]] = {}
    for line in read_lines(path):
        words = line.split()
        if words and _CILIN.fullmatch(words[0]):
            words = words[1:] if words[0].endswith("=") else []
        for word in words:
            known = found.setdefault(word, [])
            known += [other for other in words if other != word and other not in known]
    found = {word: others for word, others in found.items() if others}
    if not found:
        raise DataError(f"{path}: contains no synonyms. Write each group of synonyms on a line, with spaces.")
    return found


def replace(words: list[str], share: float, random: np.random.Generator, synonyms: Synonyms) -> list[str]:
    """Replaces words by synonyms."""
    places = [place for place in _words(words) if words[place] in synonyms]
    result = list(words)
    for place in _some(places, _count(words, share), random):
        result[place] = _one(synonyms[words[place]], random)
    return result


def insert(words: list[str], share: float, random: np.random.Generator, synonyms: Synonyms) -> list[str]:
    """Inserts synonyms of the text's words at random positions."""
    known = [word for word in words if word in synonyms]
    result = list(words)
    for _ in range(_count(words, share) if known else 0):
        synonym = _one(synonyms[_one(known, random)], random)
        result.insert(int(random.integers(len(result) + 1)), synonym)
    return result


def swap(words: list[str], share: float, random: np.random.Generator) -> list[str]:
    """Swaps pairs of words."""
    places, result = _words(words), list(words)
    for _ in range(_count(words, share) if len(places) > 1 else 0):
        a, b = random.choice(places, size=2, replace=False)
        result[a], result[b] = result[b], result[a]
    return result


def delete(words: list[str], share: float, random: np.random.Generator) -> list[str]:
    """Deletes words, but never all of them."""
    places = _words(words)
    left_out = _some(places, min(_count(words, share), len(places) - 1), random)
    return [word for place, word in enumerate(words) if place not in left_out]


def _words(words: list[str]) -> list[int]:
    """Returns the indices of words that are not punctuation or space."""
    return [place for place, word in enumerate(words) if any(map(str.isalnum, word))]


def _count(words: list[str], share: float) -> int:
    return max(1, round(share * len(_words(words))))


def _some(places: list[int], count: int, random: np.random.Generator) -> set[int]:
    return set(random.permutation(places)[: max(count, 0)].tolist())


def _one(options: Sequence[str], random: np.random.Generator) -> str:
    return options[int(random.integers(len(options)))]

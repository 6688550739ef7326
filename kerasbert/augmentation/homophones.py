"""Replaces characters by homophones, like typing errors with a pinyin input method."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from kerasbert.extras import needs_extra


class Homophones:
    """Replaces Chinese characters by others with the same pinyin, ignoring tones.

    Args:
        texts: replacements are drawn from the characters of these texts, in proportion to their frequency.

    Raises:
        UserError: pypinyin is not installed.
    """

    def __init__(self, texts: Iterable[str]):
        with needs_extra("augment", "augmentation.methods: homophone"):
            from pypinyin import lazy_pinyin
        counts = Counter(character for text in texts for character in text if "一" <= character <= "鿿")
        alike = defaultdict(list)
        for character in sorted(counts):
            alike["".join(lazy_pinyin(character))].append(character)
        self._options: dict[str, tuple[list[str], np.ndarray]] = {}
        for group in alike.values():
            for character in group:
                others = [other for other in group if other != character]
                if others:
                    weights = np.array([counts[other] for other in others], np.float64)
                    self._options[character] = others, weights / weights.sum()

    def __call__(self, text: str, share: float, random: np.random.Generator) -> str:
        """Returns `text` with this share of its characters replaced, at least one if possible."""
        places = [place for place, character in enumerate(text) if character in self._options]
        characters = list(text)
        for place in random.permutation(places)[: max(1, round(share * len(text)))]:
            others, weights = self._options[text[int(place)]]
            characters[int(place)] = others[int(random.choice(len(others), p=weights))]
        return "".join(characters)

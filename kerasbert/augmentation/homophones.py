"""Characters that sound alike in the place of one another, as people mistype them."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from kerasbert.extras import needs_extra


class Homophones:
    """Exchanges Chinese characters for others of the same pinyin, tones aside.

    Args:
        texts: only characters that occur in them are used, the more frequent more often.

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
        """Returns `text` with this share of its characters exchanged, at least one if one can be."""
        places = [place for place, character in enumerate(text) if character in self._options]
        characters = list(text)
        for place in random.permutation(places)[: max(1, round(share * len(text)))]:
            others, weights = self._options[text[int(place)]]
            characters[int(place)] = others[int(random.choice(len(others), p=weights))]
        return "".join(characters)

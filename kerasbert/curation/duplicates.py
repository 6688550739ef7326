"""Groups of nearly equal texts: MinHash over character trigrams (Broder 1997)."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from kerasbert import progress

SIMILARITY = 0.8  # the least share of trigrams that two texts of a group have in common

# Two texts share a band with the probability 1 - (1 - s^4)^16: 0.9997 at s = 0.8, 0.23 at s = 0.35.
_BANDS, _ROWS = 16, 4
_LONGEST = 20_000  # characters that are compared


def near_duplicates(texts: Sequence[str]) -> np.ndarray:
    """Returns a group for each text, the index of its first member: int64 [texts].

    Two texts belong together if at least `SIMILARITY` of their trigrams are the same (Jaccard); texts
    alike to the same third text are in one group. Takes about 300 bytes a text beside the texts.

    Args:
        texts: normalised; see `kerasbert.data.near_duplicates`.
    """
    parents = np.arange(len(texts))
    first_with: dict[str, int] = {}
    keys = np.zeros([_BANDS, len(texts)], np.uint64)
    hashes = _Hashes()
    for place, text in enumerate(progress.track(texts, "looking for near duplicates", len(texts))):
        _join(parents, first_with.setdefault(text, place), place)
        keys[:, place] = hashes.bands(_trigrams(text))
    distinct = np.fromiter(first_with.values(), np.int64)
    for band in keys:
        order = distinct[np.argsort(band[distinct], kind="stable")]
        starts = np.flatnonzero(np.diff(band[order], prepend=band[order[:1]] + np.uint64(1)))
        ends = np.append(starts[1:], len(order))
        several = ends - starts > 1
        for start, end in zip(starts[several], ends[several], strict=True):
            # The first text stands for all with the same key.
            for other in order[start + 1 : end].tolist():
                _join_if_alike(parents, texts, int(order[start]), other)
    return np.array([_root(parents, place) for place in range(len(texts))], np.int64)


def members(groups: np.ndarray) -> list[list[int]]:
    """Returns the indices of each group with more than one text, in order."""
    found: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups.tolist()):
        found[group].append(place)
    return [of for of in found.values() if len(of) > 1]


class _Hashes:
    """Random functions h(x) = (a x + b) mod 2^64, whose upper halves are compared."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        count = _BANDS * _ROWS
        self._factors = random.integers(1, 1 << 63, count, np.uint64) | np.uint64(1)
        self._shifts = random.integers(0, 1 << 63, count, np.uint64)

    def bands(self, grams: np.ndarray) -> np.ndarray:
        """Returns a key for each band of a text, uint64 [bands]: those of alike texts are likely equal."""
        hashed = grams[None, :] * self._factors[:, None] + self._shifts[:, None]
        least = (hashed >> np.uint64(32)).min(axis=1)
        return (least * self._factors).reshape(_BANDS, _ROWS).sum(axis=1, dtype=np.uint64)


def _trigrams(text: str) -> np.ndarray:
    """Returns the trigrams of a text as numbers, uint64 [characters + 2]: both ends count."""
    points = np.frombuffer(text[:_LONGEST].encode("utf-32-le", "surrogatepass"), np.uint32)
    padded = np.pad(points.astype(np.uint64), 2)
    # 21 bits hold every character.
    return padded[:-2] << np.uint64(42) | padded[1:-1] << np.uint64(21) | padded[2:]


def _jaccard(one: str, other: str) -> float:
    first, second = (np.unique(_trigrams(text)) for text in (one, other))
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def _join_if_alike(parents: np.ndarray, texts: Sequence[str], one: int, other: int) -> None:
    if _root(parents, one) != _root(parents, other) and _jaccard(texts[one], texts[other]) >= SIMILARITY:
        _join(parents, one, other)


def _root(parents: np.ndarray, place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = int(parents[place])
    return place


def _join(parents: np.ndarray, one: int, other: int) -> None:
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first

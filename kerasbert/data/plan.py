"""Assigns rows to batches, as a pure function of seed and epoch."""

from dataclasses import dataclass

import numpy as np

from kerasbert.text.packing import BUCKET

# Rows are sorted by length within windows of this many batches: little padding, but well shuffled.
_WINDOW = 64
# Instead of a row index: a row that fills up an incomplete batch, and a slot the batch does not have.
FILLER, ABSENT = -1, -2


@dataclass(frozen=True)
class Plan:
    """The batches of a training.

    Args:
        lengths: number of tokens of each row, int [rows].
        batch_size: maximum number of rows of a batch.
        seed: the run's seed.
        batch_tokens: maximum number of tokens of a batch, padding included; batches of long rows get fewer
            rows. None: no limit.
        divisor: batches are filled up to a multiple of it, so that replicas get equal shares. It does not
            change which rows share a batch.
        weights: sampling weight of each row, float [rows]. None: each row occurs once an epoch.
    """

    lengths: np.ndarray
    batch_size: int
    seed: int = 0
    batch_tokens: int | None = None
    divisor: int = 1
    weights: np.ndarray | None = None

    @property
    def steps(self) -> int:
        """The number of batches of an epoch, the same for every epoch."""
        if self.batch_tokens:
            return len(self._cuts(np.sort(self._rounded)))
        return -(-len(self.lengths) // self.batch_size)

    def epoch(self, number: int) -> np.ndarray:
        """Returns the row indices of each batch of epoch `number`, counted from 0.

        Returns:
            int32 [steps, batch_size]. `FILLER` fills up an incomplete batch; `ABSENT` marks slots that
            the batch does not have.
        """
        random = np.random.default_rng((self.seed, number))
        order = random.permutation(len(self.lengths))
        if self.weights is not None:
            order = random.choice(len(order), size=len(order), p=self.weights / self.weights.sum())
        if self.batch_tokens:
            order = order[np.argsort(self._rounded[order], kind="stable")]
            cuts = self._cuts(self._rounded[order])
        else:
            window = _WINDOW * self.batch_size
            for start in range(0, len(order), window):
                part = order[start : start + window]
                order[start : start + window] = part[np.argsort(self.lengths[part], kind="stable")]
            cuts = list(range(0, len(order), self.batch_size))
        plan = np.full([len(cuts), self.batch_size], ABSENT if self.batch_tokens else FILLER, np.int32)
        for batch, part in zip(plan, np.split(order, cuts[1:]), strict=True):
            batch[: -(-len(part) // self.divisor) * self.divisor] = FILLER
            batch[: len(part)] = part
        return random.permutation(plan, axis=0)

    @property
    def _rounded(self) -> np.ndarray:
        return -(-self.lengths // BUCKET) * BUCKET

    def _cuts(self, lengths: np.ndarray) -> list[int]:
        """Returns where batches begin, for the `lengths` of rows sorted by length: int [rows]."""
        cuts, start = [], 0
        while start < len(lengths):
            cuts.append(start)
            # As many rows as fit when padded to the last, which is the longest.
            widths = lengths[start : start + self.batch_size]
            fitting = int(np.sum(widths * np.arange(1, len(widths) + 1) <= (self.batch_tokens or 0)))
            start += max(fitting, 1)
        return cuts

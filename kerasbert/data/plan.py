"""Which rows form which batch, as a pure function of seed and epoch."""

from dataclasses import dataclass

import numpy as np

from kerasbert.text.packing import BUCKET

# Rows are sorted by length inside windows of so many batches: little padding, still well mixed.
_WINDOW = 64
# In a plan, the place of a row that is missing from an uneven batch, and what a short batch lacks.
NO_ROW, PAST = -1, -2


@dataclass(frozen=True)
class Plan:
    """The batches of a training.

    Args:
        lengths: tokens of each row, int [rows].
        batch_size: rows of a batch, at most.
        seed: of the run.
        batch_tokens: tokens of a batch with its padding, at most; batches of long rows have fewer rows.
            None: any number.
        divisor: batches are filled up to a multiple of it, so that replicas get equal shares. Which rows
            meet does not depend on it.
        weights: how likely each row is to be drawn, float [rows]. None: an epoch has each row once.
    """

    lengths: np.ndarray
    batch_size: int
    seed: int = 0
    batch_tokens: int | None = None
    divisor: int = 1
    weights: np.ndarray | None = None

    @property
    def steps(self) -> int:
        """Batches of an epoch; every epoch has as many."""
        if self.batch_tokens:
            return len(self._cuts(np.sort(self._rounded)))
        return -(-len(self.lengths) // self.batch_size)

    def epoch(self, number: int) -> np.ndarray:
        """Returns the rows of each batch of an epoch, counted from 0.

        Returns:
            int32 [steps, batch_size]. `NO_ROW` fills up an uneven batch; `PAST` fills places that the
            batch does not have.
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
        plan = np.full([len(cuts), self.batch_size], PAST if self.batch_tokens else NO_ROW, np.int32)
        for batch, part in zip(plan, np.split(order, cuts[1:]), strict=True):
            batch[: -(-len(part) // self.divisor) * self.divisor] = NO_ROW
            batch[: len(part)] = part
        return random.permutation(plan, axis=0)

    @property
    def _rounded(self) -> np.ndarray:
        return -(-self.lengths // BUCKET) * BUCKET

    def _cuts(self, lengths: np.ndarray) -> list[int]:
        """Returns where batches begin among rows sorted by length, int [rows]."""
        cuts, start = [], 0
        while start < len(lengths):
            cuts.append(start)
            # As many as fit, though the last of them is the longest.
            widths = lengths[start : start + self.batch_size]
            fitting = int(np.sum(widths * np.arange(1, len(widths) + 1) <= (self.batch_tokens or 0)))
            start += max(fitting, 1)
        return cuts

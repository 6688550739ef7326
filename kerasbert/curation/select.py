"""Selects the texts to label next from any number of unlabelled ones."""

import heapq
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from kerasbert.curation.acquisition import badge, doubt
from kerasbert.data import Columns, Row, read_rows
from kerasbert.data.near_duplicates import normalized
from kerasbert.predictors import Model, predict_rows
from kerasbert.predictors.text_encoder import embed_rows
from kerasbert.tasks.calibration import several_labels
from kerasbert.tasks.metrics import decisions

DOUBTED, RANDOM = "doubted", "random"
_CANDIDATES = 10  # the most doubted texts that are compared, for each one to select


@dataclass(frozen=True)
class Selected:
    """A text to label.

    Attributes:
        row: the text.
        predicted: the labels that the model would give.
        score: how sure it is.
        reason: `doubted` or `random`.
    """

    row: Row
    predicted: tuple[str, ...]
    score: float
    reason: str


@dataclass(frozen=True)
class _Answer:
    selected: Selected
    probabilities: np.ndarray

    @property
    def row(self) -> Row:
        return self.selected.row


def select(
    model: Model,
    rows: Iterable[Row],
    count: int,
    random_share: float = 0.1,
    seed: int = 0,
    known: Iterable[Row] = (),
) -> list[Selected]:
    """Returns the texts of `rows` to label next, the doubted ones first.

    Reads `rows` once. The ten times `count` most doubted texts are kept in memory, from which BADGE draws
    some that are unlike one another; and about 100 bytes for each text, to leave out repeated ones.

    Args:
        model: that was trained on the labels so far; it must give vectors, see `Model.embed`.
        rows: unlabelled; empty texts are left out.
        count: how many to select; fewer if there are not so many.
        random_share: share of the selected that is drawn from all rows alike, from 0 to 1.
        seed: the same seed selects the same texts.
        known: rows that are labelled already, whose texts are left out.

    Raises:
        UserError: a row cannot be read, or the model gives no vectors.
    """
    draw = random.Random(seed)
    seen = {hash(normalized(row)) for row in known}
    doubted: list[tuple[float, int, _Answer]] = []  # a heap, the least doubted first
    sample: list[_Answer] = []
    several, number = False, 0

    def new(rows: Iterable[Row]) -> Iterable[Row]:
        for row in rows:
            text = normalized(row)
            if text.strip() and hash(text) not in seen:
                seen.add(hash(text))
                yield row

    for number, (row, outputs) in enumerate(predict_rows(model, new(rows)), 1):
        one = {name: np.asarray(value)[None] for name, value in outputs.items()}
        several = several_labels(one)
        probabilities = np.asarray(outputs["probabilities"], np.float64)
        decided = np.flatnonzero(decisions(one, len(model.labels))[0])
        predicted = tuple(model.labels[place] for place in decided)
        score = float(probabilities.max())
        answer = _Answer(Selected(row, predicted, score, DOUBTED), probabilities)
        entry = (float(doubt(probabilities[None], several)[0]), -number, answer)
        if len(doubted) < _CANDIDATES * count:
            heapq.heappush(doubted, entry)
        else:
            heapq.heappushpop(doubted, entry)
        # Reservoir sampling: any `count` of the rows so far, all equally likely.
        if len(sample) < count:
            sample.append(answer)
        elif (place := draw.randrange(number)) < count:
            sample[place] = answer
    count = min(count, number)
    at_random = round(count * random_share)
    candidates = [answer for _, _, answer in sorted(doubted, key=lambda entry: entry[:2], reverse=True)]
    drawn = _draw(model, candidates, min(count - at_random, len(candidates)), seed, several)
    places = {(one.row.file, one.row.line) for one in drawn}
    draw.shuffle(sample)
    others = [one for one in sample if (one.row.file, one.row.line) not in places]
    return [
        *(one.selected for one in drawn),
        *(replace(one.selected, reason=RANDOM) for one in others[: count - len(drawn)]),
    ]


def known_rows(model: Model) -> Iterator[Row]:
    """Yields the rows that a model was trained on, as far as its files are still there.

    Raises:
        UserError: a file is there, but cannot be read as it was in the training.
    """
    columns = Columns.from_config(model.data, model.label_separator)
    for path in filter(os.path.isfile, model.data.train):
        yield from read_rows(path, columns)


def _draw(model: Model, candidates: list[_Answer], count: int, seed: int, several: bool) -> list[_Answer]:
    """Draws `count` of the candidates by BADGE."""
    if not count:
        return []
    vectors = np.stack(
        [vector for _, vector in embed_rows(model, (one.row for one in candidates), normalize=True)]
    )
    probabilities = np.stack([one.probabilities for one in candidates])
    # What all texts have in common says nothing about how they differ.
    order = badge(probabilities, vectors - vectors.mean(axis=0), count, seed, several)
    return [candidates[place] for place in order.tolist()]

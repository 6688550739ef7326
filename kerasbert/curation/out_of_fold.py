"""The probabilities that models give to rows which they have not been trained on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.checkpoints.run_directory import PREDICTIONS
from kerasbert.data import Columns, Rows, fold_rows
from kerasbert.data.probabilities import read_probabilities
from kerasbert.errors import DataError, UserError
from kerasbert.evaluation.baseline import baseline_probabilities


def out_of_fold(sources: Sequence[str], rows: Rows, columns: Columns, labels: Sequence[str]) -> np.ndarray:
    """Returns the probabilities of the labels of each row, averaged over `sources`.

    Args:
        sources: directories that `train --folds` or `train` wrote, and files of texts and probabilities;
            see `read_probabilities`.
        rows: found by their texts.
        columns: of the rows.
        labels: all labels, in order.

    Returns:
        float32 [rows, labels], NaN for rows that are in no source.

    Raises:
        UserError: a source cannot be read, or has no text of the rows.
    """
    distinct: dict[tuple[str, str | None], int] = {}
    places = [distinct.setdefault((row.text, row.pair), len(distinct)) for row in rows.rows]
    sums = np.zeros([len(distinct), len(labels)], np.float32)
    counts = np.zeros(len(distinct), np.int32)
    for source in sources:
        before = counts.sum()
        for path in _files(source):
            found = read_probabilities(path, columns, labels)
            for row, probabilities in progress.track(found, f"reading {path}"):
                place = distinct.get((row.text, row.pair))
                if place is not None:
                    sums[place] += probabilities
                    counts[place] += 1
        if counts.sum() == before:
            raise DataError(f"{source}: has none of the texts of the rows. Name predictions of these rows.")
    with np.errstate(invalid="ignore"):
        return (sums / counts[:, None])[places]


def naive_bayes(rows: Rows, folds: int, labels: tuple[str, ...]) -> np.ndarray:
    """Returns the probabilities that naive Bayes gives to each fold, trained on the others.

    Args:
        rows: divided into the folds that `train --folds` would make with the seed 0.
        folds: their number.
        labels: all labels, in order.

    Returns:
        float32 [rows, labels], NaN for the only row of a label.

    Raises:
        DataError: there are too few texts for so many folds.
    """
    found = np.full([len(rows), len(labels)], np.nan, np.float32)
    places = {id(row): place for place, row in enumerate(rows.rows)}
    for fold in progress.track(range(folds), "naive Bayes", folds, "folds"):
        train, held_out = fold_rows(rows, folds, fold, seed=0)
        probabilities = baseline_probabilities(train, held_out, labels)
        if probabilities is not None:
            found[[places[id(row)] for row in held_out.rows]] = probabilities
    return found


def _files(source: str) -> Iterator[str]:
    path = Path(source)
    if not path.is_dir():
        yield source
        return
    found = [path / PREDICTIONS] if (path / PREDICTIONS).is_file() else sorted(path.glob(f"*/{PREDICTIONS}"))
    if not found:
        raise UserError(
            f"{source}: holds no {PREDICTIONS}, which trainings write when they end. Name the directory of a "
            "training with --folds, or a file of texts and probabilities."
        )
    yield from map(str, found)

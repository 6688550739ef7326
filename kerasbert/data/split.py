"""A stratified split that keeps equal texts on one side."""

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from kerasbert.data.load import Rows
from kerasbert.data.sides import Sides
from kerasbert.errors import DataError


def split_rows(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Splits `rows` into training and validation rows.

    Rows with the same normalised text go to the same side, and each label keeps its share. A label with at
    least two distinct texts is on both sides, even if validation then exceeds `fraction` (in a multi-label
    task this is best effort). A label with a single text is in the training rows. Both sides keep the
    order of the rows.

    Args:
        rows: the rows to split.
        fraction: share of the validation rows, between 0 and 1.
        seed: the same seed gives the same split.

    Raises:
        DataError: fewer than two labels have two distinct texts.
    """
    members = _groups(rows)
    labels = [{label for index in group for label in rows.rows[index].labels} for group in members]
    texts = Counter(label for group in labels for label in group)
    if sum(count > 1 for count in texts.values()) < 2:
        raise DataError(
            f"data.validation_fraction: {len(members)} distinct texts cannot be split so that two labels are "
            "on both sides. Name data.validation or add rows."
        )
    strata = _strata(rows, members)
    count = math.ceil(fraction * len(members))
    sides = Sides(labels, _draw(strata, count, seed))
    sides.balance(count, np.random.default_rng(seed).permutation(len(members)))
    return _sides(rows, members, sides.chosen)


def _draw(strata: list[str], count: int, seed: int) -> Iterable[int]:
    """Draws about `count` indices, stratified; a stratum with a single member is left out."""
    sizes = Counter(strata)
    places = [place for place, stratum in enumerate(strata) if sizes[stratum] > 1]
    if not places:
        return []
    kinds = len({strata[place] for place in places})
    count = min(max(count, kinds), len(places) - kinds)
    by = [strata[place] for place in places] if kinds > 1 else None
    return train_test_split(places, test_size=count, random_state=seed, stratify=by)[1]


def fold_rows(rows: Rows, folds: int, fold: int, seed: int) -> tuple[Rows, Rows]:
    """Returns the training and validation rows of one fold of a stratified cross-validation.

    Rows with the same normalised text are in the same fold. A label with fewer distinct texts than folds
    is missing from some validation sets; a label with a single text is always in the training rows.

    Args:
        rows: the rows to split.
        folds: number of folds.
        fold: the fold to validate on, from 0.
        seed: the same seed gives the same folds.

    Raises:
        DataError: fewer than two labels have as many distinct texts as there are folds.
    """
    members = _groups(rows)
    strata = _strata(rows, members)
    sizes = Counter(strata)
    # In a multi-label task all rows are one stratum.
    most = sorted(sizes.values())[-2:][0] if sizes else 0
    if most < folds:
        raise DataError(
            f"data.folds: must be at most {most}, the distinct texts that two labels have. Received: {folds}"
        )
    places = [place for place, stratum in enumerate(strata) if sizes[stratum] > 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about labels with fewer texts than folds
        kind = StratifiedKFold if len(sizes) > 1 else KFold
        splits = list(
            kind(folds, shuffle=True, random_state=seed).split(places, [strata[place] for place in places])
        )
    return _sides(rows, members, (places[number] for number in splits[fold][1]))


def _groups(rows: Rows) -> list[list[int]]:
    """Returns the row indices of each normalised text."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(rows.normalized):
        groups[text].append(index)
    return list(groups.values())


def _strata(rows: Rows, members: list[list[int]]) -> list[str]:
    """Returns the stratum of each text."""
    # There are too many combinations of labels to stratify by.
    if any(len(row.labels) != 1 for row in rows.rows):
        return [""] * len(members)
    return [rows.rows[group[0]].labels[0] for group in members]


def _sides(rows: Rows, members: list[list[int]], chosen: Iterable[int]) -> tuple[Rows, Rows]:
    held_out = {index for number in chosen for index in members[number]}
    train = [row for index, row in enumerate(rows.rows) if index not in held_out]
    validation = [row for index, row in enumerate(rows.rows) if index in held_out]
    return Rows(train, rows.left_out), Rows(validation)

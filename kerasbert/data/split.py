"""A stratified split that keeps equal texts on one side."""

import re
import unicodedata
from collections import Counter, defaultdict

from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from kerasbert.data.load import Rows
from kerasbert.data.read import Row
from kerasbert.errors import DataError

_NOT_WORD = re.compile(r"[\W_]+")


def normalized(row: Row) -> str:
    """Returns the row's texts without width, case, punctuation and space, to find near duplicates."""
    parts = [row.text] if row.pair is None else [row.text, row.pair]
    bare = [_NOT_WORD.sub("", unicodedata.normalize("NFKC", p).casefold()) for p in parts]
    return "\n".join(bare if any(bare) else parts)


def split_rows(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Splits `rows` into training and validation rows.

    Rows with the same normalised text go to the same side, and each label keeps its share. The order
    of the rows is kept on both sides.

    Args:
        rows: what to split.
        fraction: share of the validation side, between 0 and 1.
        seed: the same seed gives the same split.

    Raises:
        DataError: there are too few rows.
    """
    members, labels = _groups(rows)
    try:
        _, chosen = train_test_split(
            range(len(members)), test_size=fraction, random_state=seed, stratify=labels
        )
    except ValueError as error:
        raise DataError(
            f"data.validation_fraction: {len(members)} distinct texts cannot be split so that each "
            f"label is on both sides ({error}). Name data.validation or add rows."
        ) from error
    return _sides(rows, [members[number] for number in chosen])


def fold_rows(rows: Rows, folds: int, fold: int, seed: int) -> tuple[Rows, Rows]:
    """Splits `rows` like `split_rows`, such that the validation rows of all folds are all rows.

    Args:
        rows: what to split.
        folds: how many there are.
        fold: which one to validate on, from 0.
        seed: the same seed gives the same folds.

    Raises:
        DataError: a label has fewer distinct texts than there are folds.
    """
    members, labels = _groups(rows)
    kind = KFold if labels is None else StratifiedKFold
    fewest = len(members) if labels is None else min(Counter(labels).values())
    if fewest < folds:
        raise DataError(
            f"data.folds: must be at most {fewest}, the distinct texts of the rarest label. Received: {folds}"
        )
    splits = list(kind(folds, shuffle=True, random_state=seed).split(range(len(members)), labels))
    return _sides(rows, [members[number] for number in splits[fold][1]])


def _groups(rows: Rows) -> tuple[list[list[int]], list[str] | None]:
    """Returns the places of the rows of each normalised text, and its labels to stratify by."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows.rows):
        groups[normalized(row)].append(index)
    members = list(groups.values())
    # Combinations of several labels are too many to stratify by.
    if any(len(row.labels) != 1 for row in rows.rows):
        return members, None
    return members, [rows.rows[group[0]].labels[0] for group in members]


def _sides(rows: Rows, chosen: list[list[int]]) -> tuple[Rows, Rows]:
    held_out = {index for group in chosen for index in group}
    train = [row for index, row in enumerate(rows.rows) if index not in held_out]
    validation = [row for index, row in enumerate(rows.rows) if index in held_out]
    return Rows(train, rows.left_out), Rows(validation)

"""A stratified split that keeps equal texts on one side."""

import re
import unicodedata
from collections import defaultdict

from sklearn.model_selection import train_test_split

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
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows.rows):
        groups[normalized(row)].append(index)
    members = list(groups.values())
    labels = [" ".join(rows.rows[group[0]].labels) for group in members]
    # Combinations of several labels are too many to stratify by.
    several = any(len(row.labels) != 1 for row in rows.rows)
    try:
        _, chosen = train_test_split(
            range(len(members)),
            test_size=fraction,
            random_state=seed,
            stratify=None if several else labels,
        )
    except ValueError as error:
        raise DataError(
            f"data.validation_fraction: {len(members)} distinct texts cannot be split so that each "
            f"label is on both sides ({error}). Name data.validation or add rows."
        ) from error
    held_out = {index for number in chosen for index in members[number]}
    train = [row for index, row in enumerate(rows.rows) if index not in held_out]
    validation = [row for index, row in enumerate(rows.rows) if index in held_out]
    return Rows(train, rows.left_out), Rows(validation)

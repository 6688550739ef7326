"""Lists in messages: the first few items, and how many more there are."""

from collections.abc import Sequence

SHOWN = 5


def join_first(names: Sequence[str], most: int = SHOWN, count: int | None = None) -> str:
    """Returns `a, b, c`; beyond the first `most` names only their count, as `and 3 more`.

    Args:
        names: all names, or at least the first `most`.
        most: how many to list.
        count: the total count. None: the length of `names`.
    """
    left_out = (len(names) if count is None else count) - most
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return ", ".join(names[:most]) + more


def join_all(names: Sequence[str]) -> str:
    """Returns `a, b and c`; a long list ends with `and 3 more`."""
    if len(names) > SHOWN or len(names) < 2:
        return join_first(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

"""Values of columns beside text and label."""

from collections.abc import Sequence

from kerasbert.data.columns import named_in
from kerasbert.data.read import Row
from kerasbert.errors import UserError


def column_values(rows: Sequence[Row], name: str, option: str) -> list[str]:
    """Returns the cells of a column as text, "" where there is none.

    Args:
        rows: read with `Columns.whole`.
        name: of the column.
        option: that named it, for the message.

    Raises:
        UserError: no row has such a column.
    """
    cells = [row.cells or {} for row in rows]
    if not any(name in of for of in cells):
        header = list(dict.fromkeys(column for of in cells for column in of))
        raise UserError(
            f"{option}: the rows have no column {name!r}. They have: {named_in(header)}. Name one of these."
        )
    return ["" if (value := of.get(name)) is None else str(value).strip() for of in cells]


def group_values(rows: Sequence[Row], name: str, option: str) -> list[str]:
    """Returns the group of each row; a row without one is a group of its own. See `column_values`."""
    values = column_values(rows, name, option)
    # No value ends in a space.
    return [value or f"{place} " for place, value in enumerate(values)]

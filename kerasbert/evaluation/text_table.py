"""Tables as lines of text."""

from collections.abc import Sequence

from rich.cells import cell_len


def text_table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Returns lines with the cells of each column under each other; a Chinese character takes two columns.

    Args:
        rows: cells, the headings first.
        align: for each column `<` or `>`, the side its cells are aligned to.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{' ' * missing}{cell}" if side == ">" else f"{cell}{' ' * missing}"
            for cell, side, width in zip(row, align, widths, strict=True)
            for missing in [width - cell_len(cell)]
        ).rstrip()
        for row in rows
    ]

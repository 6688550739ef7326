"""Prints the report of `data check` as tables."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerasbert.data.check import CheckReport, FileReport
from kerasbert.errors import visible


def print_report(report: CheckReport, console: Console) -> None:
    """Prints `report`: a section for each file, then the warnings and errors."""
    for file in report.files:
        console.print(Text(f"{file.path}: {file.rows:,} rows", style="bold"), soft_wrap=True)
        console.print(_labels(file))
        console.print(_lengths(file))
        console.print(f"[UNK] {file.unk_rate:.2%} of the tokens\n", markup=False, highlight=False)
    for warning in report.warnings:
        console.print(Text(visible(f"warning: {warning}")), soft_wrap=True)
    for error in report.errors:
        console.print(Text(visible(f"error: {error}")), soft_wrap=True)
    console.print(f"{len(report.errors)} error(s), {len(report.warnings)} warning(s)", highlight=False)


def _labels(file: FileReport) -> Table:
    table = Table("label", "rows", "share", box=None, pad_edge=False)
    total = max(sum(file.label_counts.values()), 1)
    for label, count in file.label_counts.items():
        table.add_row(Text(visible(label)), f"{count:,}", f"{count / total:.1%}")
    for reason, count in file.left_out.items():
        table.add_row(f"({reason})", f"{count:,}", "left out")
    return table


def _lengths(file: FileReport) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("tokens")
    for name in (*(f"p{p}" for p in file.token_percentiles), *(f"> {n}" for n in file.truncated)):
        table.add_column(name, justify="right")
    table.add_row(
        "",
        *(str(length) for length in file.token_percentiles.values()),
        *(f"{share:.1%}" for share in file.truncated.values()),
    )
    return table

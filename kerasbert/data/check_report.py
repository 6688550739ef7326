"""Prints the report of `data check` as tables."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerasbert.data.check import CheckReport, FileReport
from kerasbert.errors import visible
from kerasbert.language import tr


def print_report(report: CheckReport, console: Console) -> None:
    """Prints `report`: a section for each file, then the warnings and errors."""
    for file in report.files:
        console.print(
            Text(tr("{path}: {rows:,} rows", path=file.path, rows=file.rows), style="bold"), soft_wrap=True
        )
        console.print(_labels(file))
        console.print(_lengths(file))
        unknown = tr("[UNK] {share:.2%} of the tokens", share=file.unk_rate)
        console.print(f"{unknown}\n", markup=False, highlight=False)
    for warning in report.warnings:
        console.print(Text(visible(tr("warning: {warning}", warning=warning))), soft_wrap=True)
    for error in report.errors:
        console.print(Text(visible(f"error: {error}")), soft_wrap=True)
    counts = {"errors": len(report.errors), "warnings": len(report.warnings)}
    console.print(tr("{errors} error(s), {warnings} warning(s)", **counts), highlight=False)


def _labels(file: FileReport) -> Table:
    table = Table(tr("label"), tr("rows"), tr("share"), box=None, pad_edge=False)
    total = max(sum(file.label_counts.values()), 1)
    for label, count in file.label_counts.items():
        table.add_row(Text(visible(label)), f"{count:,}", f"{count / total:.1%}")
    for reason, count in file.left_out.items():
        table.add_row(tr("({reason})", reason=tr(reason)), f"{count:,}", tr("left out"))
    return table


def _lengths(file: FileReport) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(tr("tokens"))
    for name in (*(f"p{p}" for p in file.token_percentiles), *(f"> {n}" for n in file.truncated)):
        table.add_column(name, justify="right")
    table.add_row(
        "",
        *(str(length) for length in file.token_percentiles.values()),
        *(f"{share:.1%}" for share in file.truncated.values()),
    )
    return table

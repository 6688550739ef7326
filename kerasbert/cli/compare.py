"""kerasbert compare."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import (
    FiniteRange,
    labelled_data_option,
    language_option,
    output_option,
    reading_options,
)

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.command(context_settings={"allow_extra_args": True})
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@labelled_data_option
@reading_options("text_column", "label_column", "pair_column", "encoding")
@click.option(
    "--label-separator",
    metavar="TEXT",
    help="What separates the labels of a row, such as |. Default: as the models say.",
)
@click.option(
    "--margin",
    type=FiniteRange(0, 0.2, min_open=True),
    default=0.01,
    show_default=True,
    help="Difference of accuracy below which A and B count as equivalent: 0.01 is one point.",
)
@click.option(
    "--group-column",
    metavar="NAME",
    help="Column that says which rows depend on each other, such as the author.",
)
@output_option(help="Directory for an HTML report, comparison.json and flips.jsonl.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def compare(
    a: str,
    b: str,
    data: tuple[str, ...],
    label_separator: str | None,
    margin: float,
    group_column: str | None,
    output: str | None,
    as_json: bool,
    reading: "ReadOptions",
) -> None:
    """Compare what A and B decide on labelled data: is one of them better, or are they as good?

    A and B are each a run directory, an exported model, the URL of a server, or a file of predictions: one
    row for each row of the data, in order, with a column `label`, as `kerasbert predict` writes.

    With several seeds, A and B are each a directory that `kerasbert train --seeds` wrote, or a pattern in
    quotes, such as 'runs/seed-*': what varies with the seeds and what with the rows is kept apart.
    """
    from kerasbert.cli.startup import importing

    with importing():
        import json
        from pathlib import Path

        from kerasbert.data.row_checks import check_lost_characters
        from kerasbert.evaluation.compare import compare as compare_models
        from kerasbert.evaluation.compare_report import comparison_summary, write_comparison
        from kerasbert.files import require_writable
        from kerasbert.language import tr
        from kerasbert.layout import require_no_run

    if more := click.get_current_context().args:
        raise click.UsageError(
            f"A and B are two. Received also: {' '.join(more)}. Put a pattern of several models in "
            "quotes, such as 'runs/seed-*'."
        )
    if output:
        require_no_run(Path(output))
        require_writable(Path(output))
    comparison = compare_models(
        a, b, data, reading, margin=margin, group_column=group_column, label_separator=label_separator
    )
    for warning in check_lost_characters(", ".join(data), comparison.rows):
        click.echo(tr("Warning: {warning}", warning=warning), err=True)
    if output:
        title = tr("A against B on {data}", data=", ".join(data))
        page = write_comparison(comparison, Path(output), title)
        click.echo(tr("report: {path}", path=page), err=True)
    if as_json:
        click.echo(json.dumps(comparison.metrics, ensure_ascii=False))
    else:
        click.echo(comparison_summary(comparison.metrics))

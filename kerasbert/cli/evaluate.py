"""kerasbert evaluate."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import labelled_data_option, language_option, output_option, reading_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.command()
@click.argument("model", type=click.Path())
@labelled_data_option
@reading_options("text_column", "label_column", "pair_column", "encoding")
@click.option(
    "--slices",
    multiple=True,
    metavar="COLUMN[,COLUMN]",
    help="Columns whose values divide the rows: accuracy in each part, and the gaps. Repeatable.",
)
@click.option(
    "--group-column",
    metavar="NAME",
    help="Column that says which rows depend on each other, such as the author: for the intervals.",
)
@click.option(
    "--robustness",
    is_flag=True,
    help="Also count the decisions that change when texts are edited without changing their meaning.",
)
@output_option("report", "--report", help="Directory for an HTML report.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def evaluate(
    model: str,
    data: tuple[str, ...],
    slices: tuple[str, ...],
    group_column: str | None,
    robustness: bool,
    report: str | None,
    as_json: bool,
    reading: "ReadOptions",
) -> None:
    """Evaluate MODEL, a run directory, an exported model or the URL of a server, on labelled data."""
    from kerasbert.cli.startup import importing

    with importing():
        import json
        from pathlib import Path

        from kerasbert.data.row_checks import check_lost_characters
        from kerasbert.evaluation import evaluate as evaluate_model
        from kerasbert.evaluation import summary, write_report
        from kerasbert.files import require_writable
        from kerasbert.language import tr
        from kerasbert.layout import require_no_run

    if report:
        require_no_run(Path(report))
        require_writable(Path(report))
    named = (name.strip() for names in slices for name in names.split(","))
    columns = list(dict.fromkeys(filter(None, named)))
    evaluation = evaluate_model(
        model, data, reading, slices=columns, group_column=group_column, robustness=robustness
    )
    for warning in check_lost_characters(", ".join(data), evaluation.rows):
        click.echo(tr("Warning: {warning}", warning=warning), err=True)
    if report:
        title = tr("{model} on {data}", model=model, data=", ".join(data))
        page = write_report(evaluation, Path(report), title)
        click.echo(tr("report: {path}", path=page), err=True)
    if as_json:
        click.echo(json.dumps(evaluation.metrics, ensure_ascii=False))
    else:
        click.echo(summary(evaluation.metrics))

"""kerasbert predict."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import output_option, rows_of, text_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.command()
@text_options
@output_option(
    default="-",
    show_default=True,
    help="Output file: .jsonl, .csv, .tsv or .parquet; text files may be gzipped. Use - for standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "tsv", "csv", "parquet"]),
    help="Output format. Default: the suffix of --output, else jsonl.",
)
def predict(
    model: str,
    text: tuple[str, ...],
    source: str | None,
    output: str,
    form: str | None,
    reading: "ReadOptions",
) -> None:
    """Classify each TEXT, or each row of --input, with MODEL.

    MODEL is a run directory, an exported model or the URL of a server, whose API key is read from
    KERASBERT_API_KEY. Writes one line per input, in order, with at least text, label and score.
    """
    if bool(text) == bool(source):
        raise click.UsageError("give either TEXT or --input.")
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.data.estimate import estimate_rows
        from kerasbert.data.write import written_format
        from kerasbert.files import require_output
        from kerasbert.predictors import open_for_few, open_model
        from kerasbert.predictors.stream import write_answers

    form = written_format(output, form)
    require_output(output, [source] if source else [], streams=True)
    opened = open_for_few(model) if text else open_model(model)
    total = estimate_rows(source) if source else len(text)
    write_answers(opened, rows_of(opened, text, source, reading), output, form, total)

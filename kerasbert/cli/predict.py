"""kerasbert predict."""

import click

from kerasbert.cli.options import text_options


@click.command()
@text_options
@click.option("--output", type=click.Path(), default="-", help="A file, or - for stdout.")
@click.option("--format", "form", type=click.Choice(["jsonl", "tsv"]), default="jsonl")
def predict(model: str, text: tuple[str, ...], source: str | None, output: str, form: str) -> None:
    """Classify each TEXT, or each line of a file, with MODEL: a run, an export or a server's URL.

    Gives one line for each input, in order, with at least text, label and score. A server's API key is
    taken from KERASBERT_API_KEY.
    """
    if bool(text) == bool(source):
        raise click.UsageError("give either TEXT or --input.")
    from kerasbert.cli.startup import quiet_import

    with quiet_import():
        from kerasbert.evaluation.stream import argument_rows, input_rows, write_answers
        from kerasbert.predictors import open_model

    opened = open_model(model)
    rows = input_rows(source, opened.data) if source else argument_rows(text, opened.data)
    write_answers(opened, rows, output, form)

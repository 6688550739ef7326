"""kerasbert explain."""

import importlib.util
import sys
from typing import TYPE_CHECKING

import click

from kerasbert import progress
from kerasbert.cli.options import rows_of, text_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.command()
@text_options
@click.option("--label", help="Label to explain. Default: the predicted label.")
@click.option(
    "--by",
    type=click.Choice(["words", "characters"]),
    help="Join the Chinese characters that a model reads one by one to words with jieba (the default where "
    "it is installed: kerasbert[segment]), or leave them as they are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def explain(
    model: str,
    text: tuple[str, ...],
    source: str | None,
    label: str | None,
    by: str | None,
    as_json: bool,
    reading: "ReadOptions",
) -> None:
    """Show which words of each TEXT, or of each row of --input, influenced the prediction of MODEL.

    MODEL is a run directory, an exported model or the URL of a server. The attribution of a word is its
    contribution to the log-odds of the label, computed with integrated gradients. That of a joined word is
    the sum of those of its characters.
    """
    if bool(text) == bool(source):
        raise click.UsageError("give either TEXT or --input.")
    from kerasbert.cli.startup import importing

    with importing():
        import json
        from pathlib import Path

        from rich.console import Console

        from kerasbert.data.estimate import estimate_rows
        from kerasbert.explanation import join_characters, show
        from kerasbert.layout import RUN_CONFIG
        from kerasbert.predictors import explain_rows, open_for_few, open_model
        from kerasbert.predictors.explain import require_label
        from kerasbert.text.segment import word_segmenter

    joins = by == "words" or (by is None and importlib.util.find_spec("jieba") is not None)
    cut = word_segmenter("use --by characters") if joins else None
    # An export would gain nothing: what shows explanations imports TensorFlow anyway.
    soon = bool(text) and (Path(model) / RUN_CONFIG).is_file()
    opened = open_for_few(model) if soon else open_model(model)
    require_label(opened.labels, label, "--label")
    records = explain_rows(opened, rows_of(opened, text, source, reading), label)
    if cut is not None:
        records = (join_characters(record, cut) for record in records)
    if as_json or not sys.stdout.isatty():  # in a terminal the answers themselves show the progress
        records = progress.track(records, "explaining", estimate_rows(source) if source else len(text))
    if as_json:
        click.echo(json.dumps(list(records), ensure_ascii=False))
        return
    console = Console()
    for record in records:
        show(record, console)

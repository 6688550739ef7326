"""Options that several commands share."""

from collections.abc import Callable

import click


def training_options(command: Callable) -> Callable:
    """Adds what `train` and `pretrain` take alike."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing."),
        click.option("--resume", is_flag=True, help="Go on with the unfinished run in --run-dir."),
        click.option("--run-dir", type=click.Path(), help="Where the run goes; must be new or empty."),
        click.option(
            "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of CONFIG."
        ),
        click.argument("config", type=click.Path()),
    ):
        command = option(command)
    return command


def text_options(command: Callable) -> Callable:
    """Adds what `predict` and `explain` take alike: a model, and texts or a file of them."""
    for option in (
        click.option(
            "--input",
            "source",
            type=click.Path(),
            help="Lines of text (a pair as two cells with a tab), or .csv .tsv .jsonl .parquet; - is stdin.",
        ),
        click.argument("text", nargs=-1),
        click.argument("model", type=click.Path()),
    ):
        command = option(command)
    return command

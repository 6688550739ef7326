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

"""kerasbert data check."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import reading_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.group()
def data() -> None:
    """Look at data files before training on them."""


@data.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--config", type=click.Path(), help="The configuration that names columns and task.")
@reading_options("text_column", "label_column", "pair_column", "encoding")
def check(files: tuple[str, ...], config: str | None, reading: "ReadOptions") -> None:
    """Report on FILES, the first of which is taken for the training file.

    Ends with status 2 if something would break a training.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from rich.console import Console

        from kerasbert.config import Config
        from kerasbert.data import print_report
        from kerasbert.tasks import load_config
        from kerasbert.training import check_for_training

    settings = load_config(config) if config else Config()
    report = check_for_training(files, settings, reading)
    print_report(report, Console())
    if report.errors:
        raise SystemExit(2)

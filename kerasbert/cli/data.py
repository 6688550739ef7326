"""kerasbert data check."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import reading_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.group()
def data() -> None:
    """Check data files before training."""


@data.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--config", type=click.Path(), help="Configuration that names the columns and the task.")
@reading_options("text_column", "label_column", "pair_column", "encoding")
def check(files: tuple[str, ...], config: str | None, reading: "ReadOptions") -> None:
    """Report statistics, warnings and errors of FILES, the first being the training file.

    Exits with status 2 if there are errors that would stop a training.
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

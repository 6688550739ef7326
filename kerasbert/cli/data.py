"""kerasbert data check."""

import click


@click.group()
def data() -> None:
    """Look at data files before training on them."""


@data.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--config", type=click.Path(), help="The configuration that names columns and task.")
def check(files: tuple[str, ...], config: str | None) -> None:
    """Report on FILES, the first of which is taken for the training file.

    Ends with status 2 if something would break a training.
    """
    from kerasbert.cli.startup import quiet_import

    with quiet_import():
        from rich.console import Console

        from kerasbert.config import Config
        from kerasbert.data import print_report
        from kerasbert.tasks import load_config
        from kerasbert.training import check_for_training

    settings = load_config(config) if config else Config()
    report = check_for_training(files, settings)
    print_report(report, Console())
    if report.errors:
        raise SystemExit(2)

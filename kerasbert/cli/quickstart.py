"""kerasbert quickstart."""

import click

from kerasbert import progress
from kerasbert.cli.options import output_option


@click.command()
@output_option("workdir", "--workdir", default="quickstart", show_default=True, help="Output directory.")
@click.option("--task", "task", default="sentiment", show_default=True, help="A task with sample data.")
def quickstart(workdir: str, task: str) -> None:
    """Train, evaluate and export a small model on the sample data of a task."""
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.quickstart import quickstart as run_quickstart

    run_quickstart(Path(workdir), task, progress.console(), click.echo)

"""kerasbert plugins list, check, new."""

import click

from kerasbert import progress
from kerasbert.cli.options import output_option


@click.group()
def plugins() -> None:
    """List, check and create task plugins."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def list_(as_json: bool) -> None:
    """List the installed tasks, broken ones with their error."""
    from kerasbert.cli.startup import importing

    with importing():
        import json

        from kerasbert.tasks import list_tasks

        entries = list_tasks()
    if as_json:
        records = [
            {
                "name": entry.name,
                "distribution": entry.distribution,
                "version": entry.version,
                "summary": entry.value.summary if entry.value else None,
                "error": entry.error,
            }
            for entry in entries
        ]
        click.echo(json.dumps(records, ensure_ascii=False))
        return
    for entry in entries:
        what = entry.value.summary if entry.value else click.style(f"BROKEN: {entry.error}", fg="red")
        click.echo(f"{entry.name:<16} {entry.distribution} {entry.version:<8} {what}")


@plugins.command()
@click.argument("name")
def check(name: str) -> None:
    """Run the contract tests on the task NAME."""
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.tasks import get_task
        from kerasbert.testing import run_checks
    task = get_task(name)  # a broken task is reported as an error
    failed = 0
    for check_name, error in progress.track(run_checks(task), f"checking {name}", unit="checks"):
        failed += error is not None
        click.echo(
            f"{'ok    ' if error is None else 'FAILED'} {check_name}" + (f": {error}" if error else "")
        )
    if failed:
        raise SystemExit(1)


@plugins.command()
@click.argument("name")
@output_option("directory", "--directory", help="Output directory. Default: kerasbert-NAME.")
def new(name: str, directory: str | None) -> None:
    """Create a plugin for a new task called NAME."""
    from pathlib import Path

    from kerasbert.plugin_template import create_plugin

    path = create_plugin(name, Path(directory) if directory else None)
    click.echo(
        f"{path} is a working plugin. Next:\n"
        f"  pip install -e {path}\n  kerasbert plugins check {name}\n  pytest {path}"
    )

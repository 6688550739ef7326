"""kerasbert tune."""

import click

from kerasbert import progress
from kerasbert.cli.interrupts import STATUS, say
from kerasbert.cli.options import language_option, training_options


@click.command()
@training_options
@language_option
@click.option("--space", required=True, type=click.Path(), help="YAML file of the search space.")
@click.option(
    "--trials", default=20, show_default=True, type=click.IntRange(min=1), help="Total number of trainings."
)
def tune(
    config: str,
    overrides: tuple[str, ...],
    run_dir: str | None,
    dry_run: bool,
    resume: bool,
    space: str,
    trials: int,
) -> None:
    """Search for the best hyperparameters of CONFIG, a YAML file.

    The search space maps keys of the configuration to {low, high, log} or to a list of values.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.engine.run import new_run_dir
        from kerasbert.evaluation import report_training
        from kerasbert.language import tr
        from kerasbert.tasks import load_config
        from kerasbert.training import describe, prepare
        from kerasbert.training.monitor import monitor_of
        from kerasbert.tuning import read_space, require_fitting
        from kerasbert.tuning import tune as search

    choices, settings = read_space(space), load_config(config, overrides)
    directory = Path(run_dir or settings.run_dir or new_run_dir(settings.task, settings.training))
    if dry_run:
        require_fitting(config, overrides, choices)
        settings.run_dir = str(directory)
        click.echo(describe(prepare(settings)))
        return
    console = progress.console()
    best = search(config, overrides, choices, trials, directory, console, resume, report_training)
    if best is None:
        say(f"Interrupted: the finished trials are kept. Continue with --resume --output {directory}")
        raise SystemExit(STATUS)
    monitor = monitor_of(settings)
    line = "best of {trials} trials: number {number}, {monitor} {score:.4f}"
    values = {"trials": best.trials, "number": best.number, "score": best.score}
    click.echo(tr(line, monitor=monitor, **values), err=True)
    for key, value in best.chosen.items():
        click.echo(f"  {key}: {value}", err=True)
    click.echo(tr("run: {path}", path=best.run), err=True)
    click.echo(tr("report: {path}", path=best.run / "report" / "index.html"), err=True)

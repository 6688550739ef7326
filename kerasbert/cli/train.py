"""kerasbert train."""

import json
from typing import TYPE_CHECKING

import click

from kerasbert import progress
from kerasbert.cli.interrupts import STATUS, say
from kerasbert.cli.options import language_option, training_options

if TYPE_CHECKING:
    from kerasbert.config import Config
    from kerasbert.training import TrainResult

_SEVERAL = click.IntRange(min=2)


@click.command()
@training_options
@language_option
@click.option(
    "--seeds", type=_SEVERAL, help="Train with this many seeds, and show mean and standard deviation."
)
@click.option("--folds", type=_SEVERAL, help="Cross-validate with this many folds.")
@click.option(
    "--from",
    "earlier",
    type=click.Path(),
    help="Run directory to go on from, with more rows or another label: its classifier is kept, too.",
)
def train(
    config: str,
    overrides: tuple[str, ...],
    run_dir: str | None,
    dry_run: bool,
    resume: bool,
    seeds: int | None,
    folds: int | None,
    earlier: str | None,
) -> None:
    """Train a classifier from CONFIG, a YAML file.

    The output directory contains the best weights, the configuration, the history and a report.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.tasks import load_config

    if seeds and folds:
        raise click.UsageError("--seeds and --folds: give one of them.")
    if earlier:
        overrides = (*overrides, f"backbone.source={json.dumps(earlier)}", "head.keep=true")
    settings = load_config(config, overrides)
    settings.run_dir = run_dir or settings.run_dir
    run_training(settings, dry_run, resume, seeds, folds)


def run_training(
    settings: "Config", dry_run: bool, resume: bool, seeds: int | None = None, folds: int | None = None
) -> None:
    """Trains once, or once per seed or fold, and shows the metrics."""
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.engine.run import new_run_dir
        from kerasbert.evaluation import show_result
        from kerasbert.interrupts import kept
        from kerasbert.language import tr
        from kerasbert.training import describe, folds_of, prepare, seeds_of, train, train_each

    if dry_run:
        click.echo(describe(prepare(settings)))
        return
    console = progress.console()

    def finished(result: "TrainResult") -> None:
        with kept(f"the run {result.run.path} is kept, without a report"):
            show_result(result, console)

    if seeds or folds:
        settings.run_dir = settings.run_dir or new_run_dir(settings.task, settings.training)
        directory = Path(settings.run_dir)
        runs = seeds_of(settings, seeds) if seeds else folds_of(settings, folds or 0)
        summary = train_each(runs, directory, console, resume, finished)
        if summary:
            metrics = ", ".join(
                f"{tr(name)} {of['mean']:.4f} ± {of['sd']:.4f}"
                for name, of in (("accuracy", summary["accuracy"]), ("macro F1", summary["macro_f1"]))
            )
            over = "{metrics} over {runs} seeds" if seeds else "{metrics} over {runs} folds"
            say(tr(over, metrics=metrics, runs=len(runs)) + "\n" + tr("runs: {path}", path=directory))
        interrupted = summary is None
    else:
        result = train(settings, console, resume)
        if result.chief:
            finished(result)
        interrupted = result.interrupted
    if interrupted:
        say("Interrupted: the progress so far is saved.")
        raise SystemExit(STATUS)

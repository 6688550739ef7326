"""kerasbert train."""

import click

from kerasbert.cli.options import training_options


@click.command()
@training_options
def train(config: str, overrides: tuple[str, ...], run_dir: str | None, dry_run: bool, resume: bool) -> None:
    """Train a classifier as CONFIG, a YAML file, says.

    The run directory holds the best weights, the configuration, the history and a report.
    """
    from kerasbert.cli.startup import quiet_import

    with quiet_import():
        from rich.console import Console

        from kerasbert.evaluation import report_training
        from kerasbert.tasks import load_config
        from kerasbert.training import describe, prepare
        from kerasbert.training import train as train_model

    settings = load_config(config, overrides)
    if run_dir:
        settings.run_dir = run_dir
    if dry_run:
        click.echo(describe(prepare(settings)))
        return
    console = Console(stderr=True)
    result = train_model(settings, console, resume)
    if not result.chief:
        return
    page = report_training(result)
    figures = result.metrics
    console.print(
        f"validation accuracy {figures['accuracy']:.4f}, macro F1 {figures['macro_f1']:.4f} "
        f"(epoch {figures['best_epoch']})\nrun: {result.run.path}\nreport: {page}",
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )
    if result.interrupted:
        console.print("Interrupted: what was reached until then is saved.")
        raise SystemExit(130)

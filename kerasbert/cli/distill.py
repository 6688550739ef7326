"""kerasbert distill."""

import json

import click

from kerasbert.cli.options import language_option, training_options


@click.command()
@click.argument("teacher", type=click.Path())
@training_options
@language_option
@click.option(
    "--unlabelled",
    multiple=True,
    type=click.Path(),
    help="File of additional texts without labels. Repeatable.",
)
def distill(
    teacher: str,
    config: str,
    overrides: tuple[str, ...],
    run_dir: str | None,
    dry_run: bool,
    resume: bool,
    unlabelled: tuple[str, ...],
) -> None:
    """Train the model of CONFIG to imitate TEACHER, the run directory of a larger model.

    Equivalent to `train` with distillation.teacher and distillation.unlabelled set.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.cli.train import run_training
        from kerasbert.tasks import load_config

    overrides = (*overrides, f"distillation.teacher={json.dumps(teacher)}")
    if unlabelled:
        overrides = (*overrides, f"distillation.unlabelled={json.dumps(unlabelled)}")
    settings = load_config(config, overrides)
    settings.run_dir = run_dir or settings.run_dir
    run_training(settings, dry_run, resume)

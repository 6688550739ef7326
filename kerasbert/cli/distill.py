"""kerasbert distill."""

import json

import click

from kerasbert.cli.options import language_option, run_options


@click.command()
@click.argument("sources", nargs=-1, metavar="[TEACHER] CONFIG", type=click.Path())
@run_options
@language_option
@click.option(
    "--unlabelled",
    multiple=True,
    type=click.Path(),
    help="File of additional texts without labels. Repeatable.",
)
@click.option(
    "--soft-labels",
    multiple=True,
    type=click.Path(),
    help="File of texts with probabilities of the labels, from any source. Repeatable.",
)
def distill(
    sources: tuple[str, ...],
    overrides: tuple[str, ...],
    run_dir: str | None,
    dry_run: bool,
    resume: bool,
    unlabelled: tuple[str, ...],
    soft_labels: tuple[str, ...],
) -> None:
    """Train the model of CONFIG to imitate TEACHER, the run directory of a larger model, or --soft-labels.

    Equivalent to `train` with distillation.teacher, distillation.unlabelled and distillation.soft_labels set.
    """
    if len(sources) not in (1, 2):
        raise click.UsageError("give TEACHER and CONFIG, or CONFIG and --soft-labels.")
    *teachers, config = sources
    if not teachers and not soft_labels:
        raise click.UsageError("give TEACHER, the run directory to learn from, or --soft-labels.")
    if not teachers and unlabelled:
        raise click.UsageError("--unlabelled: needs TEACHER, who labels them.")
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.cli.train import run_training
        from kerasbert.tasks import load_config

    named = {"teacher": next(iter(teachers), None), "unlabelled": unlabelled, "soft_labels": soft_labels}
    given = {key: value for key, value in named.items() if value}
    overrides = (*overrides, *(f"distillation.{key}={json.dumps(value)}" for key, value in given.items()))
    settings = load_config(config, overrides)
    settings.run_dir = run_dir or settings.run_dir
    run_training(settings, dry_run, resume)

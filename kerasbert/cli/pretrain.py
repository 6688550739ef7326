"""kerasbert pretrain."""

import click

from kerasbert import progress
from kerasbert.cli.interrupts import STATUS, say
from kerasbert.cli.options import language_option, training_options


@click.command()
@training_options
@language_option
def pretrain(
    config: str, overrides: tuple[str, ...], run_dir: str | None, resume: bool, dry_run: bool
) -> None:
    """Pre-train a backbone from CONFIG, a YAML file.

    The output directory is a Hugging Face folder that can be used as backbone.source.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.config import PretrainingConfig, apply_overrides, parse_config, read_yaml
        from kerasbert.language import tr
        from kerasbert.pretraining import describe, prepare_pretraining
        from kerasbert.pretraining import pretrain as pretrain_backbone
        from kerasbert.pretraining.model_card import METRICS

    values = apply_overrides(read_yaml(Path(config)), overrides)
    settings = parse_config(PretrainingConfig, values, where=config)
    if run_dir:
        settings.run_dir = run_dir
    if dry_run:
        click.echo(describe(prepare_pretraining(settings)))
        return
    result = pretrain_backbone(settings, progress.console(), resume)
    if not result.chief:
        return
    if result.interrupted:
        say(
            f"Interrupted: saved up to step {result.kept:,}. Continue with: kerasbert pretrain {config} "
            f"--resume --output {result.run.path}"
        )
        raise SystemExit(STATUS)
    for held_out in result.metrics["held_out"]:
        named = {tr(name): held_out[key] for key, name in METRICS.items() if key in held_out}
        metrics = tr("; ").join(f"{name} {value:.4f}" for name, value in named.items())
        length = held_out["max_length"]
        click.echo(tr("held out, up to {length} tokens: {metrics}", length=length, metrics=metrics), err=True)
    click.echo(tr("backbone: {path}", path=result.run.path), err=True)

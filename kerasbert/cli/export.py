"""kerasbert export."""

import click


@click.command()
@click.argument("run", type=click.Path())
@click.argument("model_dir", type=click.Path())
@click.option("--version", type=click.IntRange(min=0), help="Default: one more than the highest.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32")
def export(run: str, model_dir: str, version: int | None, precision: str) -> None:
    """Export RUN as MODEL_DIR/VERSION, a SavedModel for TensorFlow Serving.

    The version appears only once the native loader gives the trainer's own answers.
    """
    from kerasbert.cli.startup import quiet_import

    with quiet_import():
        from kerasbert.export import export_model

    published = export_model(run, model_dir, version, precision)
    click.echo(f"{published.path} ({published.size / 1e6:.1f} MB, verified by the native loader)")

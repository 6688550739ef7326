"""kerasbert export."""

import click


@click.command()
@click.argument("run", type=click.Path())
@click.argument("model_dir", type=click.Path())
@click.option("--version", type=click.IntRange(min=0), help="Default: one more than the highest.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32")
@click.option("--quantize", type=click.Choice(["int8"]), help="8-bit integer products; for CPUs alone.")
@click.option("--keep", type=click.IntRange(min=1), help="Remove older versions than so many, unless served.")
@click.option("--allow-breaking", is_flag=True, help="Publish what users of the version before cannot use.")
def export(
    run: str,
    model_dir: str,
    version: int | None,
    precision: str,
    quantize: str | None,
    keep: int | None,
    allow_breaking: bool,
) -> None:
    """Export RUN as MODEL_DIR/VERSION, a SavedModel for TensorFlow Serving.

    The version appears only once the native loader gives the trainer's own answers. The first version is
    served as `stable`, the next as `canary`; the server's files lie in MODEL_DIR/serving.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.export import export_model

    published = export_model(run, model_dir, version, precision, quantize, allow_breaking, keep)
    click.echo(
        f"{published.path} ({published.size / 1e6:.1f} MB, verified by the native loader in "
        f"{published.memory / 1e6:.0f} MB of memory)"
    )
    if changes := published.changes:
        click.echo(
            f"{quantize or precision} decides {changes.changed} of {changes.rows} rows of {changes.file} "
            f"({changes.changed / max(changes.rows, 1):.2%}) otherwise than float32."
        )
    elif quantize or precision != "float32":
        click.echo("The run's data is not at hand: no labels were compared with float32's.", err=True)
    for number in published.removed:
        click.echo(f"Removed version {number}.", err=True)
    if "stable" in published.labels:
        click.echo("It is served as stable.", err=True)
        return
    how = "as canary" if "canary" in published.labels else "without a label, since canary is another"
    click.echo(
        f"It is served {how}. To make it what clients get:\n"
        f"  kerasbert versions label {model_dir} stable {published.version}",
        err=True,
    )

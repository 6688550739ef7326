"""kerasbert export."""

import math

import click


@click.command()
@click.argument("run", type=click.Path())
@click.argument("model_dir", type=click.Path())
@click.option("--version", type=click.IntRange(min=0), help="Version number. Default: the highest plus one.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Data type of the matrix products.",
)
@click.option("--quantize", type=click.Choice(["int8"]), help="Use 8-bit integer matrix products (CPU only).")
@click.option(
    "--signature",
    "signatures",
    type=click.Choice(["embed"]),
    multiple=True,
    help="Add a signature: embed, from texts to vectors.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Number of versions to keep; older ones are removed unless they are served.",
)
@click.option(
    "--allow-breaking",
    is_flag=True,
    help="Publish even if clients of the previous version would break.",
)
def export(
    run: str,
    model_dir: str,
    version: int | None,
    precision: str,
    quantize: str | None,
    signatures: tuple[str, ...],
    keep: int | None,
    allow_breaking: bool,
) -> None:
    """Export RUN as MODEL_DIR/VERSION, a SavedModel for TensorFlow Serving.

    A version is published only if TensorFlow's native loader reproduces the run's predictions. The first
    version is served as `stable`, the next as `canary`. MODEL_DIR/serving contains configuration files for
    the server.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.evaluation.comparison import MARGIN
        from kerasbert.export import export_model

    published = export_model(run, model_dir, version, precision, quantize, allow_breaking, keep, signatures)
    click.echo(
        f"{published.path} ({published.size / 1e6:.1f} MB, verified by the native loader in "
        f"{published.memory / 1e6:.0f} MB of memory)"
    )
    if changes := published.changes:
        click.echo(
            f"{quantize or precision} changes the label of {changes.changed} of {changes.rows} rows of "
            f"{changes.file} ({changes.changed / max(changes.rows, 1):.2%}) compared with float32."
        )
        if changes.accuracy is not None and changes.equivalence is not None:
            shown = "" if changes.equivalence < 0.05 else "not shown to be "
            click.echo(
                f"Accuracy {changes.accuracy[0]:.4f} with float32, {changes.accuracy[1]:.4f} with "
                f"{quantize or precision}: {shown}equivalent within {MARGIN * 100:g} point(s) "
                f"(TOST, p = {changes.equivalence:.2g})."
            )
        if changes.cosine is not None:
            least = math.floor(changes.cosine * 1e4) / 1e4
            click.echo(f"The vectors of these rows have a cosine of at least {least:.4f} with float32's.")
    for number in published.removed:
        click.echo(f"Removed version {number}.", err=True)
    if "stable" in published.labels:
        click.echo("It is served as stable.", err=True)
        return
    how = "as canary" if "canary" in published.labels else "without a label, since there is a canary already"
    click.echo(
        f"It is served {how}. To make it the stable version:\n"
        f"  kerasbert versions label {model_dir} stable {published.version}",
        err=True,
    )

"""kerasbert checkpoint list, import, trim, export, inspect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kerasbert import progress
from kerasbert.cli.options import reading_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions

_DTYPE = click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Data type of the weights in the file.",
)


@click.group()
def checkpoint() -> None:
    """List, import, trim, export and inspect checkpoints.

    SOURCE is any value of backbone.source: hf://OWNER/NAME, modelscope://OWNER/NAME, a Hugging Face folder,
    a Google TF1 checkpoint, a run directory of train or pretrain, the name of a bundled encoder, or a
    keras-hub preset.
    """


@checkpoint.command("list")
@click.option(
    "--language", type=click.Choice(["zh", "en", "multilingual"]), help="Only encoders of this language."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def list_(language: str | None, as_json: bool) -> None:
    """List encoders to start from: installed ones and a selection of published ones."""
    import dataclasses
    import json

    from kerasbert.hub import list_encoders

    encoders = list_encoders(language)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(encoder) for encoder in encoders], ensure_ascii=False))
        return
    width = max(len(encoder.source) for encoder in encoders)
    click.echo(f"{'backbone.source':<{width}}  language      parameters  layers    licence")
    for encoder in encoders:
        layers = f"{encoder.layers or '?'} x {encoder.hidden_dim or '?'}"
        size = f"{encoder.parameters / 1e6:.1f} M"
        click.echo(
            f"{encoder.source:<{width}}  {encoder.language:<12}  {size:>10}  {layers:<8}  "
            f"{encoder.license or 'not stated':<10}  {encoder.note}"
        )


@checkpoint.command("import")
@click.argument("source")
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option(
    "--positions",
    type=int,
    help="New size of the position table, which is cut or extended by repeating its rows.",
)
@_DTYPE
def import_(source: str, directory: str, positions: int | None, dtype: str) -> None:
    """Convert SOURCE to a Hugging Face folder, DIR, with its pre-training heads if it has any."""
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.checkpoints import import_checkpoint

    with progress.phase(f"converting {source}"):
        notes = import_checkpoint(source, directory, positions, dtype)
    _finish(directory, notes)


@checkpoint.command()
@click.argument("source")
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option(
    "--texts",
    multiple=True,
    required=True,
    type=click.Path(),
    metavar="FILE",
    help="File of typical texts: .txt, .csv, .tsv, .jsonl, .json, .parquet or .xlsx; text may be gzipped. "
    "Repeatable.",
)
@click.option(
    "--min-count",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Leave out tokens that occur less often.",
)
@click.option("--layers", type=int, metavar="N", help="Keep the first N layers only.")
@reading_options("text_column", "pair_column", "encoding")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def trim(
    source: str,
    directory: str,
    texts: tuple[str, ...],
    min_count: int,
    layers: int | None,
    reading: "ReadOptions",
    as_json: bool,
) -> None:
    """Write SOURCE to DIR with only the tokens that your texts use, and its first layers.

    Most of a small multilingual encoder is its token embedding. DIR is a Hugging Face folder; texts of the
    tokens that stay get the same hidden states as before.
    """
    from kerasbert.cli.startup import importing

    with importing():
        import json

        from kerasbert.checkpoints import trim_checkpoint

    with progress.phase(f"trimming {source}"):
        found = trim_checkpoint(source, directory, texts, min_count, layers, reading)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    before, after = found["before"], found["after"]
    read = f"{found['tokens']:,} tokens in {found['texts']:,} texts"
    rows = {
        "vocabulary": f"{before['vocabulary_size']:,} -> {after['vocabulary_size']:,} tokens",
        "layers": f"{before['num_layers']} -> {after['num_layers']}",
        "parameters": f"{before['parameters']:,} -> {after['parameters']:,}",
        "coverage": f"{found['coverage']:.2%} of {read}",
        "unknown": f"{before['unknown']:.3%} -> {after['unknown']:.3%} of them",
        "unseen": f"about {found['unseen']:.2%} of the tokens in other texts like these",
    }
    for name, value in rows.items():
        click.echo(f"{name + ':':<20}{value}", err=True)
    _finish(directory, found["notes"])


@checkpoint.command()
@click.argument("run", type=click.Path())
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option("--backbone-only", is_flag=True, help="Leave out the classification head.")
@_DTYPE
def export(run: str, directory: str, backbone_only: bool, dtype: str) -> None:
    """Convert RUN to a Hugging Face folder, DIR, that Transformers can load."""
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.checkpoints import export_run

    with progress.phase(f"converting {run}"):
        notes = export_run(run, directory, backbone_only, dtype)
    _finish(directory, notes)


@checkpoint.command()
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def inspect(source: str, as_json: bool) -> None:
    """Show the format, sizes, vocabulary and heads of SOURCE."""
    from kerasbert.cli.startup import importing

    with importing():
        import json

        from kerasbert.checkpoints import describe_source

    with progress.phase(f"reading {source}"):
        found = describe_source(source)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    has = {True: "yes", False: "none"}
    lowercases = "yes" if found["lowercase"] else "no"
    if found["vocabulary"] == "SentencePiece":
        lowercases = "as its model does"
    rows = {
        "source": found["source"],
        "format": found["format"],
        "layers": found["num_layers"],
        "hidden size": found["hidden_dim"],
        "attention heads": found["num_heads"],
        "feed-forward": found["intermediate_dim"],
        "positions": found["max_positions"],
        "activation": found["activation"],
        "epsilon of norms": f"{found['layer_norm_epsilon']:g}",
        "vocabulary": f"{found['vocabulary_size']:,} tokens ({found['vocabulary']})",
        "lower-cases": lowercases,
        "ASCII punctuation": "yes" if found["ascii_punctuation"] else "no",
        "pooler": has[found["pooler"]],
        "masked LM head": has[found["heads"]["mlm_head"]],
        "next sentence head": has[found["heads"]["nsp_head"]],
        "parameters": f"{found['parameters']:,}",
        "dtype on disk": found["dtype"],
    }
    if found["added_tokens"]:
        rows["added tokens"] = f"{found['added_tokens']:,}, which are never split"
    if found["left_aside"]:
        rows["ignored"] = ", ".join(found["left_aside"])
    for name, value in rows.items():
        click.echo(f"{name + ':':<20}{value}")
    for note in found["notes"]:
        click.echo(f"{'note:':<20}{note}")


def _finish(directory: str, notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(f"Note: {note}.", err=True)
    click.echo(directory)

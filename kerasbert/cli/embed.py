"""kerasbert embed."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import input_options, output_option, with_warning

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.command()
@click.argument("model", type=click.Path())
@input_options(required=True)
@output_option(
    required=True,
    help="Output file: .npy, an array [rows, hidden] in the order of the input, or .parquet, all columns of "
    "the input and a column `vector`.",
)
@click.option(
    "--pooling",
    type=click.Choice(["mean", "cls", "max"]),
    help="How the outputs at the tokens become one vector. Default: what the folder of an encoder says, if "
    "Sentence Transformers saved it, else mean.",
)
@click.option("--normalize", is_flag=True, help="Divide each vector by its L2 norm.")
@click.option("--prefix", default="", help='Text to put before each text, such as "query: " for E5.')
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Of the products: bfloat16 is faster on GPUs and on CPUs with amx_bf16 or avx512_bf16, and changes "
    "vectors a little. Not for an export, which has its own. Default: float32.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), help="Maximum number of texts computed at once. Default: 64."
)
def embed(
    model: str,
    source: str,
    output: str,
    pooling: str | None,
    normalize: bool,
    prefix: str,
    precision: str | None,
    batch_size: int | None,
    reading: "ReadOptions",
) -> None:
    """Write a float32 vector for each row of --input, computed by the encoder of MODEL.

    MODEL is a run directory; an exported model or the URL of a server with the signature `embed`; or an
    encoder: any value of backbone.source.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.data import read_rows
        from kerasbert.data.arrow import column_types
        from kerasbert.data.estimate import estimate_rows
        from kerasbert.data.write_vectors import vector_format
        from kerasbert.files import require_output
        from kerasbert.predictors import open_encoder
        from kerasbert.predictors.stream import write_vectors
        from kerasbert.predictors.text_encoder import embed_rows, vector_size

    whole = vector_format(output) == "parquet"
    require_output(output, [source])
    encoder = open_encoder(model, precision)
    columns = reading.columns_for(encoder.data).without_labels(whole)
    types = column_types(source, columns) if whole else None
    size = vector_size(encoder, pooling)
    rows = with_warning(read_rows(source, columns))
    vectors = embed_rows(encoder, rows, pooling, normalize, prefix, batch_size)
    write_vectors(vectors, size, output, types, estimate_rows(source))

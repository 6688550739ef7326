"""kerasbert vocab train."""

from typing import Literal

import click

from kerasbert.cli.options import output_option, raw_text_options


@click.group()
def vocab() -> None:
    """Learn a vocabulary."""


@vocab.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@output_option(required=True, help="Output file, vocab.txt or sentencepiece.model.")
@click.option(
    "--kind",
    type=click.Choice(["wordpiece", "sentencepiece"]),
    default="wordpiece",
    show_default=True,
    help="Split texts into words and these into pieces, or find words as frequent pieces (for text without "
    "spaces).",
)
@click.option(
    "--size", default=8000, show_default=True, type=click.IntRange(32), help="Maximum number of tokens."
)
@click.option(
    "--min-count",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Minimum count of a character; rarer ones are left out.",
)
@click.option(
    "--longest-piece",
    type=click.IntRange(1, 64),
    help="Maximum number of characters of a piece (16; only with --kind sentencepiece).",
)
@click.option("--cased", is_flag=True, help="Keep case and accents.")
@raw_text_options
def train(
    files: tuple[str, ...],
    output: str,
    size: int,
    min_count: int,
    cased: bool,
    text_field: str,
    encoding: str,
    kind: Literal["wordpiece", "sentencepiece"],
    longest_piece: int | None,
) -> None:
    """Learn a WordPiece vocabulary or a SentencePiece model from FILES.

    FILES are .txt, .jsonl, .csv, .tsv, .parquet or .xlsx; text files may be gzipped. A WordPiece vocabulary
    lists special tokens first, then single characters, then word pieces. A SentencePiece model is a unigram
    model with BERT's special tokens, after NFKC normalisation.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.corpus import train_vocabulary
        from kerasbert.files import require_output

    if longest_piece and kind != "sentencepiece":
        raise click.UsageError("--longest-piece: can be given with --kind sentencepiece only.")
    if (kind == "sentencepiece") != output.endswith(".model"):  # by which it is recognised
        must = "must end" if kind == "sentencepiece" else "must not end"
        raise click.UsageError(f"--output: {must} in .model with --kind {kind}. Received: {output}")
    require_output(output, files)
    vocabulary, unreadable = train_vocabulary(
        files, size, min_count, not cased, text_field, encoding, kind, longest_piece or 16
    )
    vocabulary.save(Path(output))
    note = f"; {unreadable:,} unreadable lines left out" if unreadable else ""
    click.echo(f"{output}: {len(vocabulary):,} tokens{note}", err=True)

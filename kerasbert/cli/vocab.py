"""kerasbert vocab train."""

import click

from kerasbert.cli.options import output_option, raw_text_options


@click.group()
def vocab() -> None:
    """Learn a vocabulary."""


@vocab.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@output_option(required=True, help="Output file, vocab.txt.")
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
) -> None:
    """Learn a WordPiece vocabulary from FILES.

    FILES are .txt, .jsonl, .csv, .tsv, .parquet or .xlsx; text files may be gzipped. The vocabulary lists
    special tokens first, then single characters, then word pieces.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.corpus import train_vocabulary
        from kerasbert.files import require_other_file

    require_other_file(output, files)
    vocabulary, unreadable = train_vocabulary(files, size, min_count, not cased, text_field, encoding)
    vocabulary.save(Path(output))
    note = f"; {unreadable:,} unreadable lines left out" if unreadable else ""
    click.echo(f"{output}: {len(vocabulary):,} tokens{note}", err=True)

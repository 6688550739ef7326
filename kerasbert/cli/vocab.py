"""kerasbert vocab train."""

import click

from kerasbert.cli.options import output_option, raw_text_options


@click.group()
def vocab() -> None:
    """Make vocabularies."""


@vocab.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@output_option(required=True, help="The vocab.txt to write.")
@click.option("--size", default=8000, show_default=True, type=click.IntRange(32), help="Most tokens.")
@click.option(
    "--min-count",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Rarer characters are left out.",
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
    """Learn a WordPiece vocabulary from FILES, .txt .jsonl .csv .tsv .parquet .xlsx, text also with .gz.

    Special tokens come first, then single characters, then pieces of words.
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

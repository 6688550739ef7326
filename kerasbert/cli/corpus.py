"""kerasbert corpus build."""

from typing import Any

import click

from kerasbert.cli.options import output_option, raw_text_options


@click.group()
def corpus() -> None:
    """Make corpora for pre-training."""


@corpus.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@output_option(required=True, help="Directory of the corpus.")
@click.option(
    "--vocabulary",
    required=True,
    help="A vocab.txt, or a backbone source whose vocabulary and casing to take.",
)
@click.option("--max-length", default=128, show_default=True, help="Tokens of an example.")
@click.option(
    "--pairs",
    type=click.Choice(["nsp", "sop", "none"]),
    default="nsp",
    show_default=True,
    help="Second segments: next sentence prediction, sentence order prediction, or none.",
)
@click.option(
    "--words",
    type=click.Choice(["characters", "jieba"]),
    default="characters",
    show_default=True,
    help="Chinese words for whole-word masking; jieba needs kerasbert[segment].",
)
@click.option("--held-out", default=0.01, show_default=True, help="Share of the documents to validate on.")
@click.option("--short-share", default=0.1, show_default=True, help="Share of shorter examples.")
@click.option("--shards", default=16, show_default=True, help="Files; one is held in memory at a time.")
@click.option("--seed", default=0, show_default=True, help="Of shards, lengths and pairs.")
@click.option("--cased", is_flag=True, help="Keep case and accents (with a vocab.txt).")
@raw_text_options
@click.option(
    "--beam",
    metavar="FLAGS",
    help="Run as an Apache Beam pipeline with these flags of Beam, as in "
    "'--runner=FlinkRunner --flink_master=HOST:8081'; needs kerasbert[beam].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def build(
    files: tuple[str, ...],
    output: str,
    vocabulary: str,
    cased: bool,
    beam: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn raw text into examples for pre-training.

    FILES are .txt (one sentence a line, an empty line between documents), or .jsonl .csv .tsv .parquet
    .xlsx (one document a row), text also with .gz. Started again after an interruption, it goes on where it
    was.
    """
    from kerasbert.cli.startup import importing

    with importing():
        import dataclasses
        import json
        from pathlib import Path

        from kerasbert.config import parse_config
        from kerasbert.corpus import CorpusSettings, build_corpus, describe
        from kerasbert.interrupts import kept
        from kerasbert.text import Vocabulary

    if vocabulary.endswith(".txt"):
        tokens, text = Vocabulary.import_file(vocabulary), {"lowercase": not cased}
    else:
        from kerasbert.checkpoints import open_source

        source = open_source(vocabulary)
        tokens, text = source.vocabulary, dict(source.text)
    settings = parse_config(CorpusSettings, {**options, **text}, where="corpus build")
    if beam is None:
        with kept(f"the finished shards in {output}; the same command goes on"):
            built = build_corpus(files, Path(output), tokens, settings)
    else:
        from kerasbert.corpus.beam import build_corpus_with_beam

        built = build_corpus_with_beam(files, Path(output), tokens, settings, beam)
    if as_json:
        counts = {split: dataclasses.asdict(of_split) for split, of_split in built.counts.items()}
        click.echo(json.dumps(counts))
    else:
        click.echo(describe(built), err=True)

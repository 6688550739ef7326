"""kerasbert corpus build."""

from typing import Any

import click

from kerasbert.cli.options import output_option, raw_text_options


@click.group()
def corpus() -> None:
    """Build corpora for pre-training."""


@corpus.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@output_option(required=True, help="Output directory.")
@click.option(
    "--vocabulary",
    required=True,
    help="A vocab.txt, a SentencePiece model (*.model), or a checkpoint whose vocabulary and casing to use.",
)
@click.option("--max-length", default=128, show_default=True, help="Maximum number of tokens of an example.")
@click.option(
    "--pairs",
    type=click.Choice(["nsp", "sop", "none"]),
    default="nsp",
    show_default=True,
    help="Task of the second segment: next sentence prediction (nsp), sentence order prediction (sop) or "
    "none.",
)
@click.option(
    "--words",
    type=click.Choice(["characters", "jieba"]),
    default="characters",
    show_default=True,
    help="Units of Chinese text for whole-word masking; jieba needs kerasbert[segment].",
)
@click.option(
    "--held-out", default=0.01, show_default=True, help="Share of documents held out for validation."
)
@click.option(
    "--short-share", default=0.1, show_default=True, help="Share of examples with a random shorter length."
)
@click.option(
    "--shards", default=16, show_default=True, help="Number of training files; one is in memory at a time."
)
@click.option("--seed", default=0, show_default=True, help="Random seed of shards, lengths and pairs.")
@click.option("--cased", is_flag=True, help="Keep case and accents (only with a vocab.txt).")
@raw_text_options
@click.option(
    "--beam",
    metavar="FLAGS",
    help="Build with an Apache Beam pipeline and these flags, such as '--runner=FlinkRunner "
    "--flink_master=HOST:8081'; needs kerasbert[beam].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON document.")
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

    FILES are .txt (one sentence per line, an empty line between documents) or .jsonl, .csv, .tsv, .parquet
    or .xlsx (one document per row); text files may be gzipped. To continue after an interruption, run the
    same command again.
    """
    from kerasbert.cli.startup import importing

    with importing():
        import dataclasses
        import json
        from pathlib import Path

        from kerasbert.config import parse_config
        from kerasbert.corpus import CorpusSettings, build_corpus, describe
        from kerasbert.interrupts import kept
        from kerasbert.text import import_vocabulary

    if cased and not vocabulary.endswith(".txt"):
        raise click.UsageError("--cased: can be given with a vocab.txt only; others have their own casing.")
    if vocabulary.endswith((".txt", ".model")):
        tokens = import_vocabulary(vocabulary)
        text: dict[str, Any] = {"lowercase": not cased and tokens.kind == "WordPiece"}
    else:
        from kerasbert.checkpoints import open_source

        source = open_source(vocabulary)
        tokens, text = source.vocabulary, dict(source.text)
    settings = parse_config(CorpusSettings, {**options, **text}, where="corpus build")
    if beam is None:
        with kept(f"the finished shards in {output} are kept; run the same command again to continue"):
            built = build_corpus(files, Path(output), tokens, settings)
    else:
        from kerasbert.corpus.beam import build_corpus_with_beam

        built = build_corpus_with_beam(files, Path(output), tokens, settings, beam)
    if as_json:
        counts = {split: dataclasses.asdict(of_split) for split, of_split in built.counts.items()}
        click.echo(json.dumps(counts))
    else:
        click.echo(describe(built), err=True)

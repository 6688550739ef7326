"""kerasbert data check, clean and select."""

from typing import TYPE_CHECKING

import click

from kerasbert.cli.options import FiniteRange, input_options, language_option, output_option, reading_options

if TYPE_CHECKING:
    from kerasbert.data.read_options import ReadOptions


@click.group()
def data() -> None:
    """Check and clean labelled data, and select texts to label."""


_config_option = click.option(
    "--config", type=click.Path(), help="Configuration that names the columns and the task."
)


@data.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@_config_option
@language_option
@reading_options("text_column", "label_column", "pair_column", "encoding")
def check(files: tuple[str, ...], config: str | None, reading: "ReadOptions") -> None:
    """Report statistics, warnings and errors of FILES, the first being the training file.

    Exits with status 2 if there are errors that would stop a training.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from rich.console import Console

        from kerasbert.config import Config
        from kerasbert.data import print_report
        from kerasbert.tasks import load_config
        from kerasbert.training import check_for_training

    settings = load_config(config) if config else Config()
    report = check_for_training(files, settings, reading)
    print_report(report, Console())
    if report.errors:
        raise SystemExit(2)


@data.command()
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--config", type=click.Path(), help="Configuration of the models to train, and of the columns.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Folds of the cross-validation: models are asked about rows they have not seen.",
)
@click.option(
    "--predictions",
    multiple=True,
    type=click.Path(),
    help="Ask no model: directory of a `train --folds`, or file of texts and probabilities. Repeatable: "
    "they are averaged.",
)
@click.option("--apply", "reviewed", type=click.Path(), help="Reviewed issues.csv: write the cleaned rows.")
@output_option(required=True, help="Directory of the review; with --apply, the file of cleaned rows.")
@language_option
@reading_options("text_column", "label_column", "pair_column", "encoding")
def clean(
    files: tuple[str, ...],
    config: str | None,
    folds: int,
    predictions: tuple[str, ...],
    reviewed: str | None,
    output: str,
    reading: "ReadOptions",
) -> None:
    """List rows of FILES whose label is probably wrong, nearly equal texts with other labels, and outliers.

    FILES are by default the training files of --config, whose model is trained on all folds but one and
    asked about that one. Without a configuration naive Bayes is asked, which takes seconds. Nothing is
    changed: fill in the column `action` of issues.csv (keep, relabel or remove), then write the cleaned
    rows with --apply.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from pathlib import Path

        from kerasbert.cli.train import run_training
        from kerasbert.config import Config
        from kerasbert.curation.apply import apply_review
        from kerasbert.curation.clean import LabelledFiles
        from kerasbert.curation.write_review import ISSUES, review_lines, write_review
        from kerasbert.errors import UserError
        from kerasbert.files import require_output
        from kerasbert.language import tr
        from kerasbert.layout import require_no_run
        from kerasbert.tasks import load_config

    if reviewed and predictions:
        raise click.UsageError("--apply and --predictions: give one of them.")
    settings = load_config(config) if config else Config()
    labelled = LabelledFiles.of(files, settings, reading)
    if reviewed:
        require_output(output, [*labelled.files, reviewed])
        counts = apply_review(reviewed, labelled.files, labelled.columns, labelled.labels, output)
        done = tr(
            "{keep:,} row(s) as they were, {relabel:,} relabelled, {remove:,} removed: {output}",
            **{action: counts[action] for action in ("keep", "relabel", "remove")},
            output=output,
        )
        click.echo(done, err=True)
        return
    instead = tr(" instead of --predictions") if predictions else ""
    directory = Path(output)
    require_no_run(directory)
    if (directory / ISSUES).exists():
        raise UserError(
            f"{directory / ISSUES}: exists already, and may be filled in. Choose another --output."
        )
    if config and not predictions:
        labelled.config.run_dir = str(directory / "folds")
        run_training(labelled.config, False, resume=(directory / "folds").is_dir(), folds=folds)
        predictions = (labelled.config.run_dir,)
    review = labelled.review(predictions, folds)
    separator = labelled.columns.label_separator or "|"
    table = write_review(
        review, directory, tr("Labels of {files}", files=", ".join(labelled.files)), separator
    )
    click.echo("\n".join(review_lines(review.summary)))
    click.echo(tr("review: {path}", path=directory / "index.html"), err=True)
    click.echo(
        tr(
            "Fill in the column action of {table} (keep, relabel or remove), then repeat the command with "
            "--apply {table} --output CLEANED{instead}",
            table=table,
            instead=instead,
        ),
        err=True,
    )


@data.command()
@click.argument("model", type=click.Path())
@input_options(required=True)
@click.option("--count", type=click.IntRange(min=1), default=100, show_default=True, help="Texts to select.")
@click.option(
    "--random-share",
    type=FiniteRange(0, 1),
    default=0.1,
    show_default=True,
    help="Share of them that is drawn from all texts alike, for an unbiased look.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@output_option(required=True, help="Output file: .csv, .tsv or .jsonl; .json for Label Studio.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "label-studio", "doccano"]),
    help="Default: label-studio for .json, else table.",
)
@language_option
def select(
    model: str,
    source: str,
    count: int,
    random_share: float,
    seed: int,
    output: str,
    form: str | None,
    reading: "ReadOptions",
) -> None:
    """Select the texts of --input to label next: those that MODEL doubts, unlike one another.

    MODEL is a run directory, or an exported model or the URL of a server with the signature `embed`. Texts
    that it was trained on are left out, if its training files are still there, and so are repeated texts.
    """
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert import progress
        from kerasbert.cli.options import rows_of
        from kerasbert.curation.expected_gain import gain_line
        from kerasbert.curation.select import known_rows, select
        from kerasbert.curation.write_selection import require_suffix, write_selection
        from kerasbert.data.estimate import estimate_rows
        from kerasbert.files import require_output
        from kerasbert.language import tr
        from kerasbert.predictors import open_model
        from kerasbert.predictors.text_encoder import vector_size

    form = form or ("label-studio" if output.lower().endswith(".json") else "table")
    require_suffix(output, form)
    require_output(output, [source])
    opened = open_model(model)
    vector_size(opened)  # refuses a model without vectors before it reads the texts
    rows = progress.track(rows_of(opened, (), source, reading, whole=True), "reading", estimate_rows(source))
    selected = select(opened, rows, count, random_share, seed, known_rows(opened))
    columns = reading.columns(opened.data)
    data = opened.data.model_copy(update={"text_column": columns.text, "pair_column": columns.pair})
    write_selection(selected, output, form, data, opened.label_separator or "|", opened.source)
    if selected:
        click.echo(gain_line(opened, len(selected)))
    click.echo(tr("{texts:,} text(s) to label: {path}", texts=len(selected), path=output), err=True)

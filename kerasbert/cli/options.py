"""Options that several commands share."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from kerasbert.language import LANGUAGES, speaking, tr

if TYPE_CHECKING:
    from kerasbert.data import Row
    from kerasbert.data.read_options import ReadOptions
    from kerasbert.predictors import TextEncoder

_Command = Callable[..., Any]


class FiniteRange(click.FloatRange):
    """A number in a range; not NaN, which is beyond no end of it, nor infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns the number, or says that it is out of the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class _Output(click.Option):
    """An option with hidden aliases: help shows only its first name."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        names = self.opts
        self.opts = names[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names


def output_option(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    """Adds `--output`, the file or directory that a command writes.

    Args:
        names: the name of the argument, and hidden aliases, the option's former names.
        settings: passed on to Click.
    """
    return click.option("--output", *names, cls=_Output, type=click.Path(), **settings)


def labelled_data_option(command: _Command) -> _Command:
    """Adds `--data`, the labelled rows that models are measured on."""
    return click.option(
        "--data",
        required=True,
        multiple=True,
        type=click.Path(),
        help="File of labelled rows, or - for standard input. Repeatable.",
    )(command)


def language_option(command: _Command) -> _Command:
    """Adds `--lang`, the language of what the command reports."""

    @functools.wraps(command)
    def called(lang: str | None, **arguments: Any) -> Any:
        with speaking(lang):
            return command(**arguments)

    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        help="Language of the report, English or Chinese. Default: that of the locale.",
    )(called)


def training_options(command: _Command) -> _Command:
    """Adds the configuration and the options that training commands share."""
    return click.argument("config", type=click.Path())(run_options(command))


def run_options(command: _Command) -> _Command:
    """Adds the options that training commands share."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would be done, without doing it."),
        click.option("--resume", is_flag=True, help="Continue the unfinished run in --output."),
        output_option("run_dir", "--run-dir", help="Output directory; must be new or empty."),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Override a key of CONFIG. Repeatable.",
        ),
    ):
        command = option(command)
    return command


def reading_options(*names: str) -> Callable[[_Command], _Command]:
    """Adds how files are read, as the argument `reading`, a `ReadOptions`.

    Args:
        names: the options to add.
    """
    helps = {
        "text_column": "Name of the text column.",
        "label_column": "Name of the label column.",
        "pair_column": "Name of the column of the second text.",
        "encoding": "Encoding of text files, such as gb18030.",
    }

    def add(command: _Command) -> _Command:
        @functools.wraps(command)
        def called(**arguments: Any) -> Any:
            from kerasbert.data.columns import OPTIONS
            from kerasbert.data.read_options import ReadOptions

            options = {name: arguments.pop(name) for name in names}
            return command(reading=ReadOptions(**options, settings=OPTIONS), **arguments)

        for name in reversed(names):
            option = click.option(f"--{name.replace('_', '-')}", metavar="NAME", help=helps[name])
            called = option(called)
        return called

    return add


def raw_text_options(command: _Command) -> _Command:
    """Adds the options of `corpus build` and `vocab train` for reading raw text."""
    encoding = click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text.")
    column = click.option(
        "--text-field",
        "--text-column",
        default="text",
        show_default=True,
        help="Name of the text column in tables and JSON lines.",
    )
    return column(encoding(command))


def input_options(required: bool = False) -> Callable[[_Command], _Command]:
    """Adds `--input`, a file of texts, as the argument `source`, and how it is read."""

    def add(command: _Command) -> _Command:
        option = click.option(
            "--input",
            "source",
            type=click.Path(),
            required=required,
            help="File of texts: one per line (pairs separated by a tab), or .csv, .tsv, .jsonl, .json, "
            ".parquet or .xlsx; text files may be gzipped. Use - for standard input: lines, or a table if "
            "--text-column is set.",
        )
        return option(reading_options("text_column", "pair_column", "encoding")(command))

    return add


def text_options(command: _Command) -> _Command:
    """Adds the arguments of `predict` and `explain`: a model, and texts or a file of texts."""
    for option in (
        input_options(),
        click.argument("text", nargs=-1),
        click.argument("model", type=click.Path()),
    ):
        command = option(command)
    return command


def rows_of(
    model: "TextEncoder",
    texts: Sequence[str],
    source: str | None,
    reading: "ReadOptions",
    whole: bool = False,
) -> "Iterator[Row]":
    """Returns the rows of `texts` or of the file `source`, without labels; see `Columns.whole`."""
    from kerasbert.data import read_rows
    from kerasbert.predictors.stream import argument_rows

    columns = reading.columns_for(model.data).without_labels(whole)
    return with_warning(read_rows(source, columns) if source else argument_rows(texts, columns))


def with_warning(rows: "Iterator[Row]") -> "Iterator[Row]":
    """Yields `rows`, then warns about those that an earlier conversion damaged."""
    from kerasbert.data.row_checks import LostCharacters

    lost = LostCharacters()
    for row in rows:
        lost.note(row)
        yield row
    for warning in lost.warnings():
        click.echo(tr("Warning: {warning}", warning=warning), err=True)

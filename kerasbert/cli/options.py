"""Options that several commands share."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kerasbert.data import Row
    from kerasbert.data.read_options import ReadOptions
    from kerasbert.predictors import Model

_Command = Callable[..., Any]


class _Output(click.Option):
    """An option of whose names help shows the first."""

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
        names: the argument, and hidden aliases: what 0.1 called the option.
        settings: of Click.
    """
    return click.option("--output", *names, cls=_Output, type=click.Path(), **settings)


def training_options(command: _Command) -> _Command:
    """Adds what `train` and `pretrain` take alike."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing."),
        click.option("--resume", is_flag=True, help="Go on with the unfinished run in --output."),
        output_option("run_dir", "--run-dir", help="Directory of the run; must be new or empty."),
        click.option(
            "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of CONFIG."
        ),
        click.argument("config", type=click.Path()),
    ):
        command = option(command)
    return command


def reading_options(*names: str) -> Callable[[_Command], _Command]:
    """Adds how files are read, as the argument `reading`, a `ReadOptions`.

    Args:
        names: the options to add.
    """
    helps = {
        "text_column": "Column of the text.",
        "label_column": "Column of the label.",
        "pair_column": "Column of the second text.",
        "encoding": "Encoding of text files, such as gb18030.",
    }

    def add(command: _Command) -> _Command:
        @functools.wraps(command)
        def called(**arguments: Any) -> Any:
            from kerasbert.data.columns import OPTIONS
            from kerasbert.data.read_options import ReadOptions

            given = {name: arguments.pop(name) for name in names}
            return command(reading=ReadOptions(**given, settings=OPTIONS), **arguments)

        for name in reversed(names):
            option = click.option(f"--{name.replace('_', '-')}", metavar="NAME", help=helps[name])
            called = option(called)
        return called

    return add


def raw_text_options(command: _Command) -> _Command:
    """Adds what `corpus build` and `vocab train` take alike: how raw text is read."""
    encoding = click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text.")
    column = click.option(
        "--text-field",
        "--text-column",
        default="text",
        show_default=True,
        help="Column of the text in tables and JSON lines.",
    )
    return column(encoding(command))


def text_options(command: _Command) -> _Command:
    """Adds what `predict` and `explain` take alike: a model, and texts or a file of them."""
    for option in (
        reading_options("text_column", "pair_column", "encoding"),
        click.option(
            "--input",
            "source",
            type=click.Path(),
            help="Lines of text (a pair as two cells with a tab), or .csv .tsv .jsonl .json .parquet .xlsx, "
            "text also with .gz; - is standard input: lines, or with --text-column a table.",
        ),
        click.argument("text", nargs=-1),
        click.argument("model", type=click.Path()),
    ):
        command = option(command)
    return command


def rows_of(
    model: "Model", texts: Sequence[str], source: str | None, reading: "ReadOptions"
) -> "Iterator[Row]":
    """Returns the rows that `text_options` gave, without labels."""
    from dataclasses import replace

    from kerasbert.data import read_rows
    from kerasbert.predictors.stream import argument_rows

    columns = replace(reading.columns_for(model.data), label=None)
    return _with_warning(read_rows(source, columns) if source else argument_rows(texts, columns))


def _with_warning(rows: "Iterator[Row]") -> "Iterator[Row]":
    """Yields `rows`, then warns of those that an earlier conversion damaged."""
    from kerasbert.data.row_checks import LostCharacters

    lost = LostCharacters()
    for row in rows:
        lost.note(row)
        yield row
    for warning in lost.warnings():
        click.echo(f"Warning: {warning}", err=True)

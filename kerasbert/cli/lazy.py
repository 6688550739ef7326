"""A Click group that imports a command only to run it or to show its help."""

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from kerasbert import progress
from kerasbert.cli.interrupts import STATUS, Interrupted, acknowledged, leave, say
from kerasbert.errors import KerasBertError, UserError, excerpt, one_line, visible


class LazyGroup(click.Group):
    """A group over a static table, so that `--help` imports no command.

    Args:
        commands_table: maps each command to its `module:attribute` in `kerasbert.cli` and its help text.
        version: callback of `--version`. None: there is no such option.
    """

    def __init__(
        self,
        commands_table: Mapping[str, tuple[str, str]],
        version: Callable[..., None] | None = None,
        **settings: Any,
    ):
        super().__init__(**settings)
        self._table = commands_table
        if version:
            self.params.append(
                click.Option(
                    ["--version"],
                    is_flag=True,
                    expose_value=False,
                    is_eager=True,
                    callback=version,
                    help="Show the version.",
                )
            )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns a command."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        return getattr(importlib.import_module(f"kerasbert.cli.{module}"), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; Click would report Ctrl-C as an error."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(str(interrupt) or "nothing was written") from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs a command; a `KerasBertError` is printed on one line and sets the exit status."""
        _prepare_stdout()
        with _stderr() as display, progress.shown(display), acknowledged(display):
            try:
                return self._main(*args, **kwargs)
            except SystemExit as end:
                if end.code == STATUS and not args and not kwargs:  # this process is the command
                    leave(STATUS)
                raise

    def _main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except Interrupted as interrupted:
            say(f"Interrupted: {interrupted}.")
            sys.exit(STATUS)
        except KerasBertError as error:
            for line in str(error).strip("\n").split("\n"):
                click.echo(f"Error: {visible(line)}", err=True)
            sys.exit(error.exit_code)
        except BrokenPipeError:  # the reader of our output, such as `head`, has exited
            _drop_stdout()
            sys.exit(1)
        except OSError as error:
            if error.errno == errno.EBADF:
                _drop_stdout()
            if error.errno in (errno.ENOSPC, errno.EBADF):
                click.echo(f"Error: the output cannot be written ({error.strerror}).", err=True)
                sys.exit(KerasBertError.exit_code)
            if not isinstance(error.filename, str):
                raise
            click.echo(f"Error: {visible(excerpt(error.filename))}: {error.strerror}.", err=True)
            sys.exit(UserError.exit_code)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            click.echo(
                f"Error: out of memory ({one_line(error)}). Take smaller batches or shorter texts: in "
                "training, lower training.max_length, or training.batch_size "
                "(training.accumulation_steps keeps the result).",
                err=True,
            )
            sys.exit(KerasBertError.exit_code)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory was lacking, that of the machine or of a GPU."""
    tensorflow = sys.modules.get("tensorflow")  # not imported here: it takes seconds
    return isinstance(error, MemoryError) or (
        tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError)
    )


def _drop_stdout() -> None:
    """Redirects stdout to /dev/null, so that flushing it at exit raises no further error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_stdout() -> None:
    """Escapes characters that the terminal cannot encode, and makes writing to a closed stdout an error."""
    if sys.stdout is None:  # keep another file from getting its descriptor, 1
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    with contextlib.suppress(AttributeError):  # replaced by a test or a notebook
        if sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextlib.contextmanager
def _stderr() -> Iterator[progress.Display]:
    """Yields a display on stderr that keeps working while file descriptor 2 is redirected."""
    with contextlib.ExitStack() as stack:
        file = sys.stderr
        with contextlib.suppress(OSError, ValueError, AttributeError):  # not a file, or closed
            if sys.stderr.fileno() == 2:
                file = stack.enter_context(open(os.dup(2), "w", encoding="utf-8", errors="replace"))
        yield progress.Display(file=file)

"""Messages, errors and summaries on stderr, and tables on stdout."""

import contextlib
import logging
import pathlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import rich.console
import typer

from ngcm_cli.cli import INTERRUPTED
from ngcm_cli.cli.interrupts import leave_at_next_interrupt
from ngcm_cli.errors import NgcmError, printable
from ngcm_cli.io.progress import PHASES, format_size
from ngcm_cli.io.text_table import column_lines

_LONGEST_LINE = 4000  # characters: a command with many flags can be copied


class _Unfailing:
    """A file for messages, which are lost where nobody reads them."""

    def __init__(self, file: Any):
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the latter if it is closed
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def stderr() -> rich.console.Console:
    """Return the console for everything but results.

    A run does not end because its messages cannot be written.
    """
    file: Any = _Unfailing(sys.stderr)
    return rich.console.Console(file=file, force_terminal=sys.stderr.isatty())


def print_line(console: rich.console.Console, text: str) -> None:
    """Print text, which may quote a file, without interpreting markup."""
    text = "\n".join(printable(line, _LONGEST_LINE) for line in text.split("\n"))
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_error(error: NgcmError, console: rich.console.Console | None = None) -> None:
    """Print an error, its hint, and notes on what a run has left."""
    console = console or stderr()
    console.print("Error:", style="bold red", end=" ")
    for line in (error.message, error.hint, *getattr(error, "__notes__", ())):
        if line:
            print_line(console, line)


def print_summary(
    console: rich.console.Console, path: pathlib.Path, seconds: float
) -> None:
    """Print the size of an output and how long it took."""
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    print_line(console, f"Wrote {format_size(size)} in {format_seconds(seconds)}.")


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Print columns as wide as they need to be, the last one ragged, on stdout."""
    for line in table_lines(rows):
        typer.echo(line)


def table_lines(rows: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table with columns as wide as they need to be."""
    return column_lines([tuple(map(printable, row)) for row in rows])


def format_seconds(seconds: float) -> str:
    """Return a time in hours, minutes and seconds: ``1 h 02 min``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


class _MessageHandler(logging.Handler):
    """A handler that prints log records as plain sentences."""

    def __init__(self, console: rich.console.Console):
        super().__init__(logging.INFO)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != PHASES.name:  # which a `Display` shows
            print_line(self.console, record.getMessage())


@contextlib.contextmanager
def messages() -> Iterator[rich.console.Console]:
    """Print the messages of the library, and at Ctrl-C the notes of the run."""
    console = stderr()
    handler, log = _MessageHandler(console), logging.getLogger("ngcm_cli")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            # Of infinite and missing values, which results show as such.
            warnings.simplefilter("ignore", RuntimeWarning)
            yield console
    except KeyboardInterrupt as stop:
        leave_at_next_interrupt()
        # Interrupted again, it may have lost its notes; the first has them.
        chain = (stop, stop.__context__)
        found = (getattr(each, "__notes__", None) for each in chain)
        notes = next(filter(None, found), ["Nothing was written."])
        print_line(console, " ".join(["Interrupted.", *notes]))
        raise typer.Exit(getattr(stop, "exit_code", INTERRUPTED)) from None
    finally:
        log.removeHandler(handler)
        log.setLevel(level)

"""Messages, errors and summaries on stderr, and tables on stdout."""

import contextlib
import logging
import pathlib
import sys
from collections.abc import Iterator

import rich.console
import typer

from ngcm_cli.errors import NgcmError, printable

_LONGEST_LINE = 4000  # characters: a command with many flags can be copied


def stderr() -> rich.console.Console:
    """Return the console for everything but results."""
    return rich.console.Console(stderr=True, force_terminal=sys.stderr.isatty())


def print_line(console: rich.console.Console, text: str) -> None:
    """Print text, which may quote a file, without interpreting markup."""
    text = "\n".join(printable(line, _LONGEST_LINE) for line in text.split("\n"))
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_error(error: NgcmError) -> None:
    """Print an error, its hint, and notes on what a run has left."""
    console = stderr()
    console.print("Error:", style="bold red", end=" ")
    for line in (error.message, error.hint, *getattr(error, "__notes__", ())):
        if line:
            print_line(console, line)


def print_summary(
    console: rich.console.Console, path: pathlib.Path, seconds: float
) -> None:
    """Print the size of an output and how long it took."""
    from ngcm_cli.io.progress import format_size

    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    print_line(console, f"Wrote {format_size(size)} in {format_seconds(seconds)}.")


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Print columns as wide as they need to be, the last one ragged, on stdout."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


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
        yield console
    except KeyboardInterrupt as stop:
        notes = getattr(stop, "__notes__", ["Nothing was written."])
        print_line(console, " ".join(["Interrupted.", *notes]))
        raise typer.Exit(getattr(stop, "exit_code", 130)) from None
    finally:
        log.removeHandler(handler)
        log.setLevel(level)

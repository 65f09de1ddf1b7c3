"""The command-line program: commands, version, errors."""

import errno
import importlib.metadata
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import ngcm_cli
from ngcm_cli.cli import INTERRUPTED, data, models
from ngcm_cli.cli.assimilate import assimilate
from ngcm_cli.cli.bench import bench
from ngcm_cli.cli.console import print_error, print_line, stderr
from ngcm_cli.cli.diagnose import diagnose
from ngcm_cli.cli.evaluate import evaluate
from ngcm_cli.cli.export import export
from ngcm_cli.cli.interrupts import leave_at_next_interrupt, raising_at_interrupt
from ngcm_cli.cli.plot import plot
from ngcm_cli.cli.report import report
from ngcm_cli.cli.run import COMMANDS
from ngcm_cli.cli.run_command import ListsCommand
from ngcm_cli.cli.sensitivity import sensitivity
from ngcm_cli.cli.status import status
from ngcm_cli.cli.tracks import tracks
from ngcm_cli.cli.train import train
from ngcm_cli.cli.variables import variables
from ngcm_cli.errors import ConfigError, NgcmError, OutputError, check_text

_BUG = "This is a bug in ngcm: please report it with the lines above."
_SHOWN = 40  # characters of a path


class Program(TyperGroup):
    """The program, which Ctrl-C ends without a traceback at any time."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command.

        Raises:
            ConfigError: the working directory is gone.
        """
        try:
            os.getcwd()
            with raising_at_interrupt():
                return super().invoke(ctx)
        except FileNotFoundError as error:
            if error.filename is not None:
                raise
            raise ConfigError(
                "The working directory does not exist any more.", "Change to another."
            ) from None
        except KeyboardInterrupt:  # again, or in a command that has nothing to save
            leave_at_next_interrupt()
            print_line(stderr(), "Interrupted.")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    name="ngcm",
    cls=Program,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Forecasts and climate runs with neural general circulation models.",
)
for command in COMMANDS:
    app.command(cls=ListsCommand)(command)
for command in (
    train, sensitivity, assimilate, evaluate, diagnose, tracks, plot, report, status,
    variables, export, bench,
):  # fmt: skip
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")


def _show_version(wanted: bool) -> None:
    if wanted:
        jax = importlib.metadata.version("jax")
        typer.echo(f"ngcm {ngcm_cli.__version__}, jax {jax}")
        raise typer.Exit()


@app.command("help")
def show_help(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Its name.")
    ] = None,
) -> None:
    """Show the help of a command.

    Example: ngcm help forecast
    """
    app([*(command or ()), "--help"], prog_name="ngcm")


@app.callback()
def _ngcm(
    version: Annotated[
        bool,
        typer.Option(
            "-V",
            "--version",
            is_eager=True,
            callback=_show_version,
            help="Show the versions of ngcm and JAX.",
        ),
    ] = False,
) -> None:
    pass


def run() -> None:
    """Run the command line and exit with the code of its error, if any."""
    for name in ("stdout", "stderr"):
        if (stream := getattr(sys, name)) is None:  # it was closed
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        for word in sys.argv[1:]:
            check_text(word)
        app(prog_name="ngcm")
    except NgcmError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None and error.errno == errno.ENOSPC:
            print_error(OutputError("Standard output is full.", "Write it elsewhere."))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python fails once more
        elif error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            name = f"{str(error.filename)[:_SHOWN]}..."
            sentence = f"The path {name} cannot be used: {error.strerror}."
            print_error(ConfigError(sentence, "Choose another."))
        else:
            error.add_note(_BUG)
            raise
        sys.exit(ConfigError.exit_code)
    except Exception as bug:
        bug.add_note(_BUG)
        raise

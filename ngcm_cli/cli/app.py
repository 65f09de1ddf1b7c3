"""The command-line program: commands, version, errors."""

import importlib.metadata
import sys
from typing import Annotated

import typer

import ngcm_cli
from ngcm_cli.cli import data, models
from ngcm_cli.cli.console import print_error
from ngcm_cli.cli.export import export
from ngcm_cli.cli.run import COMMANDS
from ngcm_cli.cli.run_command import ListsCommand
from ngcm_cli.cli.status import status
from ngcm_cli.cli.variables import variables
from ngcm_cli.errors import NgcmError

app = typer.Typer(
    name="ngcm",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Forecasts and climate runs with neural general circulation models.",
)
for command in COMMANDS:
    app.command(cls=ListsCommand)(command)
for command in (status, variables, export):
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


def main() -> None:
    """Run the command line and exit with the code of its error, if any."""
    try:
        app(prog_name="ngcm")
    except NgcmError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except Exception as bug:
        bug.add_note("This is a bug in ngcm: please report it with the lines above.")
        raise

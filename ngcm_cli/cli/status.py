"""``ngcm status``."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.cli.console import messages, print_table

Output = Annotated[
    pathlib.Path, typer.Argument(metavar="OUTPUT", help="The output of a run.")
]


def status(output: Output) -> None:
    """Print the progress of a run, while it is computed or later.

    Example: ngcm status run
    """
    with messages():
        from ngcm_cli.simulation.status import read_status

        found = read_status(output)
        typer.echo(found.describe())
        if found.global_means:
            typer.echo()
            print_table(found.global_means)

"""``ngcm status``."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.cli.narration import narration, print_table

Folder = Annotated[
    pathlib.Path, typer.Argument(metavar="RUN", help="The folder of a run.")
]


def status(run: Folder) -> None:
    """Say how far a long run is; also while it goes on.

    Example: ngcm status run
    """
    with narration():
        from ngcm_cli.climate.status import read_status

        found = read_status(run)
        typer.echo(found.describe(run))
        if found.rows:
            typer.echo()
            print_table(found.rows)

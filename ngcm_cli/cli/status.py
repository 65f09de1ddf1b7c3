"""``ngcm status``."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.cli.console import messages, print_table

Output = Annotated[
    pathlib.Path, typer.Argument(metavar="OUTPUT", help="The output of a run.")
]
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Read all that was written, and compare it with its checksums."
    ),
]


def status(output: Output, check: Check = False) -> None:
    """Print the progress of a run, while it is computed or later.

    Example: ngcm status run
    """
    with messages():
        from ngcm_cli.simulation.status import check_output, read_status

        found = read_status(output)
        typer.echo(found.describe())
        if check:
            typer.echo(f"Checked   {check_output(output)}")
        if found.global_means:
            typer.echo()
            print_table(found.global_means)

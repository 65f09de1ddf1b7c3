"""``ngcm report``: one page about outputs."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.cli.console import messages, print_line
from ngcm_cli.cli.options import OUTPUT_NAMES, Overwrite, option

Outputs = Annotated[
    list[str],
    typer.Argument(
        metavar="OUTPUT...",
        help="Forecasts, ensembles and records; directories of climate runs, finished "
        "or not; files of scores, tracks and diagnoses.",
    ),
]
Page = Annotated[
    pathlib.Path | None,
    option(
        "PATH",
        "Name of the page, in .html.  [default: OUTPUT.html, in this directory]",
        *OUTPUT_NAMES,
    ),
]
Title = Annotated[
    str | None, option("TEXT", "Heading of the page.  [default: names the outputs]")
]


def report(
    outputs: Outputs,
    output: Page = None,
    title: Title = None,
    overwrite: Overwrite = None,
) -> None:
    """Write a page about outputs: figures, scores, stability.

    The page is one HTML file that needs no network. Prints its path.

    Example: ngcm report forecast.zarr scores.nc
    """
    with messages() as console:
        from ngcm_cli.io.progress import format_size
        from ngcm_cli.plots.report import report

        path = report(*outputs, output=output, title=title, overwrite=bool(overwrite))
        print_line(console, f"Wrote {format_size(path.stat().st_size)}.")
        typer.echo(path)

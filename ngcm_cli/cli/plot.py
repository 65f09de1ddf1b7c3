"""``ngcm plot``."""

import os
import pathlib
from typing import Annotated, Any

import typer

from ngcm_cli.cli.console import messages
from ngcm_cli.cli.options import OUTPUT_NAMES, Offline, Overwrite, option, text
from ngcm_cli.cli.run_command import RunFile, with_options
from ngcm_cli.errors import ConfigError

_OPTIONS: dict[str, Any] = {
    "variable": Annotated[
        list[str] | None,
        option(
            "NAME,...",
            "Variables to draw, such as t850 or u, under the names of --variables or "
            "those of the file.  [default: what suits the picture]",
            "-v",
            "--variable",
        ),
    ],
    "contours": text(
        "NAME|VALUE,...|none",
        "Variable of the contours of a map; of spaghetti the values.  [default: z500 "
        "over t850; 552,576 dam]",
    ),
    "wind": text("arrows|barbs|none", "Wind on a map.  [default: none]"),
    "level": text("HPA", "Pressure level of names that end in none."),
    "lead": text("DURATION", "Lead time, such as 3d.  [default: the last]"),
    "time": text(
        "TIME", "Valid time, in UTC.  [default: of records the mean of all times]"
    ),
    "init": text("TIME", "Initial time, in UTC.  [default: the first]"),
    "member": text("M", "Number of the member.  [default: the mean of all]"),
    "projection": text(
        "NAME",
        "robinson, mollweide, polar-stereographic, plate-carree or orthographic.  "
        "[default: what suits the region]",
    ),
    "region": text(
        "NAME|S:N,W:E",
        "Part of the globe, such as europe or 35:75,-15:45.  [default: global]",
    ),
    "at": text("LAT,LON", "Place of a meteogram, or centre of a map."),
    "minus": text("FILE", "Data to subtract, of the same valid time: a difference."),
    "metric": Annotated[
        list[str] | None,
        option(
            "NAME,...", "Scores to draw, such as rmse,crps.  [default: crps, else rmse]"
        ),
    ],
    "top": text("HPA", "Least pressure of a section.  [default: 20]"),
    "output": text(
        "PATH",
        "A name in .png, .svg, .pdf, .gif or .mp4.  [default: FILE_WHAT.png, in "
        "this directory]",
        *OUTPUT_NAMES,
    ),
    "title": text("TEXT", "Title, instead of what is shown."),
    "size": text("WIDTHxHEIGHT", "Size in inches, such as 9x5."),
    "dpi": text("N", "Dots per inch.  [default: 150]"),
    "overwrite": Overwrite,
    "offline": Offline,
}


def plot(
    words: list[str] | None = None, config: pathlib.Path | None = None, **given: Any
) -> None:
    """Draw forecasts, ensembles, climate runs, scores and tracks.

    WHAT is map, spread, spaghetti, meteogram, section, hovmoller, series, spectra,
    scores, scorecard, tracks, training or animation; without it, the picture is what
    the file suggests. Prints the path of the picture.

    Example: ngcm plot map forecast.zarr --variable t850 --contours z500 --lead 3d
    """
    with messages():
        from ngcm_cli.config.plot import PICTURES, PlotConfig
        from ngcm_cli.config.run_file import read_run_file
        from ngcm_cli.config.values import closest

        settings: dict[str, Any] = {}
        if config is not None:
            settings = read_run_file(config, PlotConfig.model_fields)
        settings |= {name: x for name, x in given.items() if x not in (None, [])}
        first, *rest = words = words or [""]
        if first.lower() in PICTURES and not (os.path.exists(first) and not rest):
            settings["what"], words = first, rest
        elif rest and not os.path.exists(first) and first.isidentifier():
            raise ConfigError(
                f"There is no picture '{first}', and no file of this name.",
                closest(first.lower(), PICTURES),
            )
        if any(words):
            settings["files"] = words
        checked = PlotConfig(**settings)
        from ngcm_cli.plots.picture import draw_picture

        typer.echo(draw_picture(checked))


_WORDS = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WHAT] FILE...", help="Kind of the picture, and what it shows."
    ),
]
with_options(plot, {"words": _WORDS, **_OPTIONS, "config": RunFile})

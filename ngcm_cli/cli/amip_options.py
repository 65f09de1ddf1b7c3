"""Flags of `ngcm amip` alone; `None` means that a flag was not given."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.inputs.sources.named import metavar, summaries

Start = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="First day of the first run.  [default: 1982-01-01]",
    ),
]
Years = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="How long every run is, in years,",
    ),
]
Months = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="and months of the calendar,",
    ),
]
Days = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="and days.",
    ),
]
Members = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Runs from every start.  [default: 1]",
    ),
]
Starts = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Number of starts.  [default: 1]",
    ),
]
StartEvery = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Time between starts.  [default: 10d]",
    ),
]
StartData = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar=metavar("PATH", "URL"),
        help="NetCDF, GRIB or Zarr with the atmosphere at every start; or "
        f"{summaries()}.  [default: bundled ERA5, whatever the date]",
    ),
]
RunFolder = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="FOLDER",
        help="Folder to make.  [default: MODEL_amip_START, in this folder]",
    ),
]
MeansOver = Annotated[
    list[str] | None,
    typer.Option(
        "--means",
        metavar="monthly,daily|none",
        help="Means to write.  [default: monthly]",
    ),
]
Instants = Annotated[
    str | None,
    typer.Option(
        "--every",
        metavar="DURATION",
        help="Write instants, too, so far apart.  [default: none]",
    ),
]
Sample = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Time between the instants that means are made of.  [default: 6h]",
    ),
]
MeanVariables = Annotated[
    list[str] | None,
    typer.Option(
        "--variables",
        metavar="NAME,...",
        help="What to write; may be repeated.  [default: all that has a mean]",
    ),
]
RestartEvery = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Time between restarts.  [default: 30d]",
    ),
]
Resume = Annotated[
    pathlib.Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Go on with the run in FOLDER from its last restart, as it began.",
    ),
]
FixMeanPressure = Annotated[
    bool | None,
    typer.Option(
        "--fix-mean-pressure/--no-fix-mean-pressure",
        help="Hold the global mean of log surface pressure.  [default: hold]",
    ),
]
OnInstability = Annotated[
    str | None,
    typer.Option(
        metavar="stop|rewind",
        help="When a run becomes unstable: stop, or go back to the last restart, "
        "perturb by one part in a million and go on.  [default: stop]",
    ),
]
SeaRecord = Annotated[
    str | None,
    typer.Option(
        "--sst-data",
        metavar=metavar("PATH", "URL"),
        help="Record of sea-surface temperature and sea ice.  [default: bundled "
        "OISST 1981-12 to 2023-01, with the ice of AMIP's climatology]",
    ),
]
SstClimatology = Annotated[
    bool | None,
    typer.Option(
        "--sst-climatology/--no-sst-climatology",
        help="Let the sea follow AMIP's monthly climatology.",
    ),
]
SstPatch = Annotated[
    str | None,
    typer.Option(
        metavar="LAT,LON,WIDTH,KELVIN",
        help="Add a hump to sea-surface temperature, as 0,200,20,2K: its centre, "
        "half its width in degrees, its height.",
    ),
]

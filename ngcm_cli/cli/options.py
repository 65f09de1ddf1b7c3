"""Flags, declared once for all commands; `None` means that a flag was not given."""

import pathlib
from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="Model to run.  [default: tl63_stochastic_mini]"
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|URL|arco",
        help="NetCDF, GRIB or Zarr with the initial state; or arco, ERA5 in the cloud."
        "  [default: bundled ERA5; arco for other times]",
    ),
]
FarData = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="URL|arco", help="Where the states are.  [default: arco]"
    ),
]
CheckTime = Annotated[
    str | None,
    typer.Option("--init", metavar="TIME", help="Look at this time only."),
]
SeaLead = Annotated[
    str | None,
    typer.Option(
        "--lead",
        metavar="DURATION",
        help="How far runs will go, for a prescribed sea.  [default: 10d]",
    ),
]
Init = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Initial time in UTC, as 2020-08-22T12.  [default: the only one in DATA]",
    ),
]
Lead = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="How far, as 10d or 36h.  [default: 10d]"),
]
Every = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Time between outputs.  [default: 6h]"),
]
Seed = Annotated[
    str | None,
    typer.Option(metavar="N", help="Seed of the random stream.  [default: 0]"),
]
Variables = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME,...",
        help="What to write; may be repeated.  [default: what the model predicts on "
        "levels, and its precipitation]",
    ),
]
Levels = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HPA,...",
        help="Pressure levels to write, in hPa; may be repeated.  [default: all]",
    ),
]
Grid = Annotated[
    str | None,
    typer.Option(
        metavar="native|DEGREES",
        help="Grid to write on: the model's, or a regular one with poles and this "
        "spacing, as 1.5.  [default: native]",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="A name in .zarr or .nc.  [default: MODEL_INIT.zarr, in this folder]",
    ),
]
Overwrite = Annotated[
    bool | None,
    typer.Option("--overwrite/--no-overwrite", help="Replace an existing output."),
]
Sst = Annotated[
    str | None,
    typer.Option(
        metavar="MODE",
        help="What the sea does: persist, anomaly-persist, climatology or prescribed."
        "  [default: persist, from 24 h before]",
    ),
]
SstData = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|URL|arco",
        help="Where sea-surface temperature and sea ice are.  [default: in DATA]",
    ),
]
SstOffset = Annotated[
    str | None,
    typer.Option(
        metavar="KELVIN",
        help="Added to sea-surface temperature, as 2K.  [default: 0K]",
    ),
]
Offline = Annotated[
    bool | None,
    typer.Option(
        "--offline/--no-offline",
        help="Use no network; weights and data must be on this computer.",
    ),
]
RunFile = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--config",
        metavar="YAML",
        help="Run file whose keys are these flags; flags win over it.",
    ),
]
DryRun = Annotated[
    bool | None,
    typer.Option(
        "--dry-run/--no-dry-run", help="Check everything and say what would be done."
    ),
]
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
        metavar="PATH|URL|arco",
        help="NetCDF, GRIB or Zarr with the atmosphere at every start; or arco, ERA5 in the cloud.  [default: bundled ERA5, whatever the date]",
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
        help="Go on with the run in FOLDER from its last restart; goes with no other flag.",
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
        help="When a run becomes unstable: stop, or go back to the last restart, perturb by one part in a million and go on.  [default: stop]",
    ),
]
SeaRecord = Annotated[
    str | None,
    typer.Option(
        "--sst-data",
        metavar="PATH|URL|arco",
        help="Record of sea-surface temperature and sea ice.  [default: bundled OISST 1981-12 to 2023-01, with the ice of AMIP's climatology]",
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
        help="Add a hump to sea-surface temperature, as 0,200,20,2K: its centre, half its width in degrees, its height.",
    ),
]

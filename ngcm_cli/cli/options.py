"""Flags, declared once for all commands; `None` means that a flag was not given."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE, metavar, summaries

Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="Model to run.  [default: tl63_stochastic_mini]"
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar=metavar("PATH", "URL"),
        help=f"NetCDF, GRIB or Zarr with the initial state; or {summaries()}."
        f"  [default: bundled ERA5; {DEFAULT_SOURCE} for other times]",
    ),
]
RemoteData = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar=metavar("URL"),
        help=f"Analyses on a server.  [default: {DEFAULT_SOURCE}]",
    ),
]
CheckTime = Annotated[
    str | None,
    typer.Option("--init", metavar="TIME", help="Check this time only."),
]
ForcingLead = Annotated[
    str | None,
    typer.Option(
        "--lead",
        metavar="DURATION",
        help="Length of the runs, for prescribed SST.  [default: 10d]",
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
Perturb = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="Noise added to the initial state: none, gaussian, which is smooth, or "
        "spherical, which has all scales.  [default: none]",
    ),
]
Amplitude = Annotated[
    str | None,
    typer.Option(
        metavar="KELVIN",
        help="Standard deviation of that noise in temperature.  [default: 0.5K]",
    ),
]
Member = Annotated[
    str | None,
    typer.Option(
        metavar="M",
        help="Be this member of the ensemble of SEED.  [default: a run by itself]",
    ),
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
        metavar=metavar("PATH", "URL"),
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

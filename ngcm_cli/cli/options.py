"""Command-line options of the runs, one for each field of a configuration.

Every option is declared once, here. Its value is text that the configuration parses, or
None if it is not given.
"""

from typing import Annotated, Any

import typer

from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE, metavar, summaries


def option(metavar: str, help: str, *names: str) -> Any:  # noqa: A002
    """Return an option with a value; its name is that of the parameter by default."""
    return typer.Option(*names, metavar=metavar, help=help)


def text(*described: str) -> Any:
    """Return an option whose value is text."""
    return Annotated[str | None, option(*described)]


def texts(*described: str) -> Any:
    """Return an option that may be repeated."""
    return Annotated[list[str] | None, option(*described)]


def switch(names: str, help: str) -> Any:  # noqa: A002
    """Return an option that is on, off or not given."""
    return Annotated[bool | None, typer.Option(names, help=help)]


Model = Annotated[
    str | None, option("NAME|PATH", "Model to run.  [default: tl63_stochastic_mini]")
]
Precision = Annotated[
    str | None,
    option(
        "published|float32|fast",
        "Precision of matrix products on accelerators: as the model was trained or "
        "better, float32 throughout, or fewer passes, enough to keep mass.  "
        "[default: published]",
    ),
]
Overwrite = Annotated[
    bool | None,
    typer.Option("--overwrite/--no-overwrite", help="Replace an existing output."),
]
Offline = Annotated[
    bool | None,
    typer.Option(
        "--offline/--no-offline",
        help="Use no network; weights and data must be on this computer.",
    ),
]
Sst = Annotated[
    str | None,
    option(
        "MODE",
        "Sea-surface temperature: persist, climatology, anomaly-persist or "
        "prescribed.  [default: persist, from 24 h before]",
    ),
]
SstData = Annotated[
    str | None,
    option(
        metavar("PATH", "URL"),
        "Sea-surface temperature and sea ice.  [default: in DATA]",
    ),
]

OUTPUT_NAMES = "-o", "--output"
SstTime = Annotated[
    str | None,
    option(
        "mean|instant",
        "What one sea-surface temperature a month is: the mean of the month, or the "
        "value at its time.  [default: as the data say]",
    ),
]

OPTIONS: dict[str, Any] = {
    "model": Model,
    "data": text(
        metavar("PATH", "URL"),
        f"Initial analyses: NetCDF, GRIB or Zarr; or {summaries()}.  "
        f"[default: bundled ERA5; {DEFAULT_SOURCE} for other times]",
    ),
    "init": text(
        "TIME|FIRST/LAST/STEP",
        "Initial times in UTC, such as 2020-08-22T12 or 2020-01-01/2020-12-31/12h.  "
        "[default: the only one in DATA]",
    ),
    "lead": text("DURATION", "Forecast length, such as 36h.  [default: 10d]"),
    "every": text("DURATION", "Time between outputs.  [default: 6h]"),
    "precision": Precision,
    "seed": text("N", "Seed of the random numbers.  [default: 0]"),
    "member": text(
        "M",
        "Number of the ensemble member with this seed to compute.  [default: none]",
    ),
    "members": text(
        "N|FIRST:END",
        "Number of members, or a range: 50:100 adds members 50 to 99 to an output that "
        "has the first fifty.  [default: 10]",
        "-n",
        "--members",
    ),
    "perturb": text(
        "KIND",
        "Noise added to the initial state: none, gaussian (smooth), spherical (all "
        "scales), or singular:FILE, the singular vectors that ngcm sensitivity has "
        "written.  [default: none]",
    ),
    "amplitude": text(
        "KELVIN|HPA:KELVIN,...",
        "Standard deviation of that noise in temperature, the same on all levels or by "
        "pressure, such as 1000:0.8K,300:0.5K.  [default: 0.5K]",
    ),
    "pressure_amplitude": text(
        "PASCAL",
        "Standard deviation of that noise in surface pressure.  [default: 50Pa]",
    ),
    "statistics": texts(
        "NAME,...",
        "Statistics over the members to write: mean, std (or spread), min, max, and "
        "percentiles such as p10.  [default: none]",
    ),
    "ddof": text(
        "0|1",
        "Standard deviation of N members with N - DDOF as the divisor.  [default: 1, "
        "as WeatherBench]",
    ),
    "keep_members": switch(
        "--keep-members/--no-keep-members",
        "Write the members themselves.  [default: yes]",
    ),
    "variables": texts(
        "NAME,...",
        "Variables to write, such as t,u,msl, or z500 for one level; ngcm variables "
        "lists them.  [default: those that the model predicts on levels, and its "
        "precipitation]",
    ),
    "levels": texts(
        "HPA,...|model",
        "Pressure levels to write, in hPa, or model for the model's sigma levels.  "
        "[default: all pressure levels]",
    ),
    "grid": text(
        "native|DEGREES",
        "Grid to write on: the model's, or a regular one with poles and this spacing, "
        "such as 1.5.  [default: native]",
    ),
    "clip_humidity": switch(
        "--clip-humidity/--no-clip-humidity",
        "Write negative humidity and cloud as zero, and the water that this adds.  "
        "[default: no]",
    ),
    "output": text(
        "PATH",
        "A name in .zarr, .nc or .grib2.  [default: MODEL_INIT.zarr, in this "
        "directory]",
        *OUTPUT_NAMES,
    ),
    "zarr_format": text(
        "3|2",
        "Version of the format of Zarr stores; 2 is for programs that cannot read 3.  "
        "[default: 3]",
    ),
    "overwrite": Overwrite,
    "sst": Sst,
    "sst_data": SstData,
    "sst_time": SstTime,
    "sst_offset": text(
        "KELVIN",
        "Offset added to sea-surface temperature, such as 2K.  [default: 0K]",
    ),
    "nudge": text(
        metavar("PATH", "URL"),
        "Nudge the state to these analyses: NetCDF, GRIB or Zarr; or "
        f"{summaries()}.  [default: a free run]",
    ),
    "nudge_time": text("DURATION", "Time scale of nudging.  [default: 6h]"),
    "nudge_variables": texts(
        "NAME,...", "What to nudge: any of u,v,t,q,sp.  [default: u,v,t]"
    ),
    "nudge_wavenumber": text(
        "N", "Highest total wavenumber that is nudged.  [default: all]"
    ),
    "restart_every": text(
        "DURATION",
        "Time between restart files.  [default: every 5 minutes of computing, and at "
        "interruptions]",
    ),
    "on_instability": text(
        "stop|rewind",
        "What to do with a member that becomes unstable: stop it, or rewind it to its "
        "last restart file, perturb it by one part in a million and continue.  "
        "[default: stop]",
    ),
    "batch": text(
        "auto|N",
        "Members computed together.  [default: auto, as many as fit into memory]",
    ),
    "scheduler": text(
        "ADDRESS",
        "Share the initial times among the workers of this Dask scheduler.",
    ),
    "coordinator": text(
        "HOST:PORT",
        "Share the run among processes, the first of which listens here; not needed "
        "under SLURM and on Cloud TPUs.",
    ),
    "process": text(
        "I/N", "Number of this process, from 0, and of all of them: 0/2 or 1/2."
    ),
    "offline": Offline,
}
"""Options by field; those of a command below replace some."""

AMIP_OPTIONS: dict[str, Any] = {
    "years": text("N", "Calendar years of every run; added to months and days."),
    "months": text("N", "Calendar months of every run."),
    "days": text("N", "Days of every run."),
    "start": text("DATE", "First initial time.  [default: 1982-01-01]"),
    "starts": text("N", "Number of initial times.  [default: 1]"),
    "start_every": text("DURATION", "Time between initial times.  [default: 10d]"),
    "init": text(
        "DATE|FIRST/LAST/STEP", "Initial times, instead of the three options above."
    ),
    "members": text("N", "Runs from every initial time.  [default: 1]"),
    "data": text(
        metavar("PATH", "URL"),
        "Initial analyses: NetCDF, GRIB or Zarr; or "
        f"{summaries()}.  [default: bundled ERA5, whatever the date]",
    ),
    "output": text(
        "DIRECTORY",
        "Directory to create.  [default: MODEL_amip_START, in this directory]",
        *OUTPUT_NAMES,
    ),
    "means": texts("monthly,daily|none", "Means to write.  [default: monthly]"),
    "every": text("DURATION", "Time between instantaneous outputs.  [default: none]"),
    "sample": text("DURATION", "Time between the samples of means.  [default: 6h]"),
    "variables": texts(
        "NAME,...",
        "Variables to write, such as t,u,msl, or z500 for one level; ngcm variables "
        "lists them.  [default: those that the model predicts, surface fields and "
        "fluxes]",
    ),
    "restart_every": text("DURATION", "Time between restart files.  [default: 30d]"),
    "fix_mean_pressure": switch(
        "--fix-mean-pressure/--no-fix-mean-pressure",
        "Fix the global mean of log surface pressure.  [default: yes]",
    ),
    "sst_data": text(
        metavar("PATH", "URL"),
        "Record of sea-surface temperature and sea ice.  [default: bundled OISST, "
        "1981-12 to 2023-01, with sea ice of AMIP's climatology]",
    ),
    "sst_climatology": switch(
        "--sst-climatology/--no-sst-climatology",
        "Prescribe AMIP's monthly climatology.",
    ),
    "sst_patch": text(
        "LAT,LON,WIDTH,KELVIN",
        "Local anomaly of sea-surface temperature, such as 0,200,20,2K: its centre, "
        "half its width in degrees, its amplitude.",
    ),
}
"""Options of ``ngcm amip`` alone, or with another description."""

ENSEMBLE_OPTIONS: dict[str, Any] = {
    "output": text(
        "PATH",
        "A name in .zarr, .nc or .grib2.  [default: MODEL_INIT_ensemble.zarr, in this "
        "directory]",
        *OUTPUT_NAMES,
    ),
}
"""Options of ``ngcm ensemble`` with another description."""

IDEALIZED_OPTIONS: dict[str, Any] = {
    "case": Annotated[
        str | None,
        typer.Argument(
            metavar="CASE",
            help="Name of the case.",
            show_default=False,
        ),
    ],
    "truncation": text(
        "T<N>", "Triangular truncation, from T5 to T1000.  [default: that of the case]"
    ),
    "levels": texts(
        "N|SIGMA,...",
        "Number of equally thick sigma layers, or the boundaries of others, such as "
        "0,0.1,0.3,0.6,1.  [default: that of the case]",
    ),
    "days": text("N", "Length of the run in days.  [default: that of the case]"),
    "time_step": text(
        "auto|DURATION",
        "Length of the time step, such as 10m.  [default: auto, as long as the "
        "truncation allows]",
    ),
    "every": text("DURATION", "Time between outputs.  [default: that of the case]"),
    "variables": texts(
        "NAME,...",
        "Variables to write, such as t,u,sp,vo.  [default: temperature, geopotential, "
        "wind and surface pressure]",
    ),
    "output_levels": texts(
        "HPA,...|model",
        "Pressure levels to write, in hPa, or model for the sigma levels.  "
        "[default: 17 pressure levels, but for those above the sigma levels]",
    ),
    "output": text(
        "PATH",
        "A name in .zarr, .nc or .grib2.  [default: CASE_RESOLUTION.zarr, in this "
        "directory]",
        *OUTPUT_NAMES,
    ),
}
"""Options of ``ngcm idealized`` alone, or with another description."""

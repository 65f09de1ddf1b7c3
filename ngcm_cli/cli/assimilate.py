"""``ngcm assimilate``: an analysis from a background and observations."""

import pathlib
import time
from typing import Any

import typer

from ngcm_cli.cli.console import messages, print_line, print_summary, table_lines
from ngcm_cli.cli.options import OPTIONS, OUTPUT_NAMES, Overwrite, text
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import RunFile, with_options
from ngcm_cli.inputs.sources.named import metavar

_OPTIONS: dict[str, Any] = {
    "observations": text(
        "CSV|NETCDF",
        "Table of observations: time, latitude, longitude, pressure, variable, value, "
        "error.",
    ),
    "background": text(
        metavar("PATH", "URL"),
        "State at the beginning of the window, as --data of a forecast.  [default: "
        "bundled ERA5]",
    ),
    "init": text(
        "TIME", "Beginning of the window, UTC.  [default: the only time in STATE]"
    ),
    "window": text("DURATION", "Length of the window.  [default: 6h]"),
    "model": OPTIONS["model"],
    "seed": OPTIONS["seed"],
    "background_errors": text(
        "NETCDF",
        "Standard deviations of the background by variable, level and total "
        "wavenumber.  [default: round numbers]",
    ),
    "background_error_scale": text(
        "FACTOR", "Factor of the background's standard deviations.  [default: 1]"
    ),
    "reject_beyond": text(
        "K",
        "Reject observations that differ from the background by more than K standard "
        "deviations of the difference.  [default: 5]",
    ),
    "iterations": text("N", "Most iterations of the minimisation.  [default: 30]"),
    "sst": OPTIONS["sst"],
    "sst_data": OPTIONS["sst_data"],
    "output": text(
        "FILE.nc",
        "Analysis, which --data takes; FILE_diagnostics.nc has its departures.  "
        "[default: MODEL_analysis_INIT.nc]",
        *OUTPUT_NAMES,
    ),
    "overwrite": Overwrite,
    "offline": OPTIONS["offline"],
}


def assimilate(config: pathlib.Path | None = None, **given: str | bool | None) -> None:
    """Find the initial state that fits observations best (4D-Var).

    Prints mean and rms of observation minus background (O-B) and minus analysis (O-A)
    of the observations used, and the paths of the analysis and its diagnostics.

    Example: ngcm assimilate --observations soundings.csv --background era5.nc
    """
    with messages() as console:
        from ngcm_cli.config.assimilate import AssimilateConfig
        from ngcm_cli.config.run_file import read_run_file
        from ngcm_cli.errors import ConfigError

        known = AssimilateConfig.model_fields
        settings = read_run_file(config, known) if config else {}
        settings |= {name: x for name, x in given.items() if x is not None}
        if "observations" not in settings:
            raise ConfigError(
                "No observations are given.", "Name a table with --observations."
            )
        checked = AssimilateConfig(**settings)
        started = time.monotonic()
        with Display(console) as display:
            from ngcm_cli.assimilation.assimilate import assimilate as compute
            from ngcm_cli.assimilation.departures import statistics_table

            found = compute(checked, track=display.count, download=display.download)
        for line in table_lines(statistics_table(found.departures)):
            print_line(console, line)
        print_summary(console, found.path, time.monotonic() - started)
        typer.echo(found.path)
        typer.echo(found.diagnostics_path)


with_options(assimilate, {**_OPTIONS, "config": RunFile})

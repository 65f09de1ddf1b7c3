"""``ngcm evaluate``: forecasts against a truth."""

import pathlib
import time
from typing import Annotated, Any

import typer

from ngcm_cli.cli.console import format_seconds, messages, print_line
from ngcm_cli.cli.options import OUTPUT_NAMES, Offline, Overwrite, switch, text, texts
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import DryRun, RunFile, with_options
from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.sources.named import metavar, summaries

_FORECASTS = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FORECAST",
        help="Forecasts of ngcm or in the layouts of WeatherBench, each a file, a "
        "store, a URL or a pattern; NAME=FORECAST names it in scores.",
    ),
]


_OPTIONS: dict[str, Any] = {
    "truth": text(
        metavar("PATH", "URL"),
        f"What forecasts are compared with: an analysis or a record; or {summaries()}.",
    ),
    "climatology": text(
        "PATH|URL|compute",
        "Climatology by day of the year and hour, or a long record from which it is "
        "computed; compute takes the truth.  [default: none, and no anomaly "
        "correlation]",
    ),
    "climatology_years": text(
        "FIRST/LAST", "Years of a record that are used.  [default: all]"
    ),
    "baseline": texts(
        "NAME|FORECAST",
        "Baseline: persistence, climatology, probabilistic-climatology, or another "
        "forecast; may be repeated. Differences are from the first one.  [default: "
        "none, and differences are from the first forecast]",
    ),
    "variables": texts(
        "NAME,...",
        "Variables to score, such as z500 or t for all levels; wind850 is the vector.  "
        "[default: z500, t850, q700, wind850, msl, and near the surface, where all "
        "have them]",
    ),
    "regions": texts(
        "NAME,...",
        "Regions beside the globe, such as tropics or europe_land, or a box "
        "name=south:north,west:east.  [default: those of WeatherBench]",
    ),
    "grid": text(
        "native|DEGREES",
        "Grid to compare on: the coarsest of all, or a regular one with poles and this "
        "spacing, such as 1.5.  [default: native]",
    ),
    "lead": text(
        "DURATION,...|FIRST/LAST/STEP",
        "Lead times, such as 1d,3d,5d or 1d/10d/1d.  [default: all]",
    ),
    "init": text(
        "TIME|FIRST/LAST/STEP", "Initial times.  [default: all of the forecasts]"
    ),
    "metrics": texts(
        "NAME,...",
        "Metrics, such as rmse,bias,acc,crps.  [default: rmse, mae, bias, rmsb; "
        "vector_rmse of wind; acc with a climatology; crps, spread and ranks of "
        "ensembles]",
    ),
    "thresholds": texts(
        "NAME:VALUE,...",
        "Events of ensembles to score, in SI units, such as t:300: Brier score and "
        "reliability.  [default: none]",
    ),
    "output": text(
        "PATH", "Score file, in NetCDF.  [default: scores.nc]", *OUTPUT_NAMES
    ),
    "overwrite": Overwrite,
    "by_init": switch(
        "--by-init/--no-by-init",
        "Also write scores of every initial time, and what merging needs.  [default: "
        "no]",
    ),
    "maps": switch(
        "--maps/--no-maps", "Also write maps of bias and error.  [default: no]"
    ),
    "spectra": switch(
        "--spectra/--no-spectra",
        "Also write spectra of forecasts and truth.  [default: no]",
    ),
    "format": text(
        "table|md|csv|json",
        "Print scores in this format on stdout, and the path of the score file among "
        "the messages.  [default: the path on stdout, a table among the messages]",
    ),
    "check_times": switch(
        "--check-times/--no-check-times",
        "Refuse a truth that agrees much better some hours earlier or later.  "
        "[default: yes]",
    ),
    "merge": switch(
        "--merge",
        "Merge score files of different initial times, written with --by-init, "
        "instead of scoring forecasts.",
    ),
    "scheduler": text(
        "ADDRESS",
        "Share the initial times among the workers of this Dask scheduler.",
    ),
    "resume": switch("--resume", "Continue an evaluation that was interrupted."),
    "offline": Offline,
}


def evaluate(
    forecast: list[str] | None = None,
    config: pathlib.Path | None = None,
    dry_run: bool | None = None,
    **given: Any,
) -> None:
    """Score forecasts against a truth.

    Writes the scores of regions, lead times and levels with confidence intervals, and
    the differences of forecasts on the same starts. Prints the path of the score file.

    Example: ngcm evaluate storm.zarr --truth era5.nc --baseline persistence
    """
    with messages() as console:
        from ngcm_cli.config import EvaluateConfig, parse_switch, read_run_file

        known = (*EvaluateConfig.model_fields, "dry_run")
        settings = read_run_file(config, known) if config else {}
        only_check = settings.pop("dry_run", False) if dry_run is None else dry_run
        settings |= {name: x for name, x in given.items() if x is not None}
        settings |= {"forecast": forecast} if forecast else {}
        chosen = EvaluateConfig(**settings)
        is_dry = parse_switch(only_check)
        if chosen.merge and is_dry:
            raise ConfigError("Merging has no dry run.", "Leave out one of them.")
        started = time.monotonic()
        with Display(console, "Reading the data") as display:
            if is_dry:
                from ngcm_cli.verification.evaluation import summarize_evaluation

                done = summarize_evaluation(chosen, display.download)
            elif chosen.merge:
                from ngcm_cli.verification.merging import merge_scores

                done = merge_scores(chosen)
            else:
                from ngcm_cli.verification.evaluation import run_evaluation

                done = run_evaluation(
                    chosen, track=display.count, download=display.download
                )
        if isinstance(done, str):
            typer.echo(done)
            return
        _print_scores(console, done, chosen.format)
        seconds = format_seconds(time.monotonic() - started)
        print_line(console, f"Wrote the scores in {seconds}.")
        if chosen.format is None:
            typer.echo(done)
        else:
            print_line(console, str(done))


def _print_scores(console: Any, path: pathlib.Path, form: str | None) -> None:
    """Print a table among the messages, or in a format asked for on stdout."""
    from ngcm_cli.verification.score_file import read_scores
    from ngcm_cli.verification.score_table import format_scores

    scores = read_scores(path)
    for note in str(scores.attrs.get("notes", "")).splitlines():
        print_line(console, f"Note: {note}.")
    if form is None:
        print_line(console, format_scores(scores))
    else:
        typer.echo(format_scores(scores, form))


with_options(
    evaluate,
    {"forecast": _FORECASTS, **_OPTIONS, "config": RunFile, "dry_run": DryRun},
)

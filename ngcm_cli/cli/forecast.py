"""``ngcm forecast``."""

import time

import typer

from ngcm_cli.cli import options
from ngcm_cli.cli.narration import downloading, narration, summarize, tracking


def forecast(
    model: options.Model = None,
    data: options.Data = None,
    init: options.Init = None,
    lead: options.Lead = None,
    every: options.Every = None,
    seed: options.Seed = None,
    member: options.Member = None,
    perturb: options.Perturb = None,
    amplitude: options.Amplitude = None,
    variables: options.Variables = None,
    levels: options.Levels = None,
    grid: options.Grid = None,
    output: options.Output = None,
    overwrite: options.Overwrite = None,
    sst: options.Sst = None,
    sst_data: options.SstData = None,
    sst_offset: options.SstOffset = None,
    offline: options.Offline = None,
    config: options.RunFile = None,
    dry_run: options.DryRun = None,
) -> None:
    """Forecast the weather from an initial state.

    Example: ngcm forecast --lead 5d --every 12h --output storm.zarr
    """
    flags = {
        name: value
        for name, value in locals().items()
        if name not in ("config", "dry_run") and value is not None
    }
    with narration() as console:
        from ngcm_cli.config import ForecastConfig, parse_switch, read_run_file

        known = (*ForecastConfig.model_fields, "dry_run")
        settings = read_run_file(config, known) if config else {}
        only_check = settings.pop("dry_run", False) if dry_run is None else dry_run
        checked = ForecastConfig(**(settings | flags))
        if parse_switch(only_check):
            from ngcm_cli.plan import plan_forecast

            # A dry run downloads nothing, and says so if the weights are not here.
            checked = checked.model_copy(update={"offline": True})
            typer.echo(plan_forecast(checked).describe())
            return

        from ngcm_cli import run

        started = time.monotonic()
        with tracking(console) as track, downloading(console) as download:
            path = run.forecast(checked, track=track, download=download)
        summarize(console, path, time.monotonic() - started)
        typer.echo(path)

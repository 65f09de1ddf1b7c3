"""``ngcm amip``."""

import time

import typer

from ngcm_cli.cli import options
from ngcm_cli.cli.narration import downloading, narration, summarize
from ngcm_cli.cli.progress import following
from ngcm_cli.errors import ConfigError


def amip(
    years: options.Years = None,
    months: options.Months = None,
    days: options.Days = None,
    start: options.Start = None,
    model: options.Model = None,
    data: options.StartData = None,
    seed: options.Seed = None,
    members: options.Members = None,
    starts: options.Starts = None,
    start_every: options.StartEvery = None,
    output: options.RunFolder = None,
    means: options.MeansOver = None,
    every: options.Instants = None,
    sample: options.Sample = None,
    variables: options.MeanVariables = None,
    levels: options.Levels = None,
    grid: options.Grid = None,
    restart_every: options.RestartEvery = None,
    resume: options.Resume = None,
    fix_mean_pressure: options.FixMeanPressure = None,
    on_instability: options.OnInstability = None,
    sst_data: options.SeaRecord = None,
    sst_offset: options.SstOffset = None,
    sst_climatology: options.SstClimatology = None,
    sst_patch: options.SstPatch = None,
    offline: options.Offline = None,
    config: options.RunFile = None,
    dry_run: options.DryRun = None,
) -> None:
    """Run for decades under a prescribed sea.

    Example: ngcm amip --years 40 --output run
    """
    flags = {
        name: value
        for name, value in locals().items()
        if name not in ("config", "dry_run", "resume") and value is not None
    }
    with narration() as console:
        from ngcm_cli.config import AmipConfig, parse_switch, read_run_file

        if resume is not None and (flags or config or dry_run):
            other = next(iter(flags), "config" if config else "dry_run")
            raise ConfigError(
                f"--resume goes with no other flag, here --{other.replace('_', '-')}.",
                "The run goes on as it began; leave the other flags out.",
            )
        known = (*AmipConfig.model_fields, "dry_run")
        settings = read_run_file(config, known) if config else {}
        only_check = settings.pop("dry_run", False) if dry_run is None else dry_run
        checked = None if resume else AmipConfig(**(settings | flags))
        if checked is not None and parse_switch(only_check):
            from ngcm_cli.climate.plan import plan_climate

            # A dry run downloads nothing, and says so if the weights are not here.
            checked = checked.model_copy(update={"offline": True})
            typer.echo(plan_climate(checked)[0].describe())
            return

        from ngcm_cli import run

        started = time.monotonic()
        with following(console) as track, downloading(console) as download:
            path = run.amip(checked, resume=resume, track=track, download=download)
        summarize(console, path, time.monotonic() - started)
        typer.echo(path)

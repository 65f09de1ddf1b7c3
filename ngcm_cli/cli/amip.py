"""``ngcm amip``."""

import time

import typer

from ngcm_cli.cli import amip_options, options
from ngcm_cli.cli.narration import downloading, narration, summarize
from ngcm_cli.cli.progress import following
from ngcm_cli.errors import ConfigError


def amip(
    years: amip_options.Years = None,
    months: amip_options.Months = None,
    days: amip_options.Days = None,
    start: amip_options.Start = None,
    model: options.Model = None,
    data: amip_options.StartData = None,
    seed: options.Seed = None,
    members: amip_options.Members = None,
    starts: amip_options.Starts = None,
    start_every: amip_options.StartEvery = None,
    output: amip_options.RunFolder = None,
    means: amip_options.MeansOver = None,
    every: amip_options.Instants = None,
    sample: amip_options.Sample = None,
    variables: amip_options.MeanVariables = None,
    levels: options.Levels = None,
    grid: options.Grid = None,
    restart_every: amip_options.RestartEvery = None,
    resume: amip_options.Resume = None,
    fix_mean_pressure: amip_options.FixMeanPressure = None,
    on_instability: amip_options.OnInstability = None,
    sst_data: amip_options.SeaRecord = None,
    sst_offset: options.SstOffset = None,
    sst_climatology: amip_options.SstClimatology = None,
    sst_patch: amip_options.SstPatch = None,
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

        if resume is not None and (config or dry_run):
            raise ConfigError(
                f"--{'config' if config else 'dry-run'} does not go with --resume.",
                "A run goes on as it began: leave it out.",
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
            changes = flags if resume else {}
            path = run.amip(
                checked, resume=resume, track=track, download=download, **changes
            )
        summarize(console, path, time.monotonic() - started)
        typer.echo(path)

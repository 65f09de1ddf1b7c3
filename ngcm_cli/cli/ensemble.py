"""``ngcm ensemble``."""

import time

import typer

from ngcm_cli.cli import ensemble_options, options
from ngcm_cli.cli.members import following
from ngcm_cli.cli.narration import downloading, narration, summarize
from ngcm_cli.errors import ConfigError


def ensemble(
    members: ensemble_options.Members = None,
    model: options.Model = None,
    data: options.Data = None,
    init: ensemble_options.Inits = None,
    lead: options.Lead = None,
    every: options.Every = None,
    seed: options.Seed = None,
    perturb: options.Perturb = None,
    amplitude: options.Amplitude = None,
    statistics: ensemble_options.Statistics = None,
    keep_members: ensemble_options.KeepMembers = None,
    batch: ensemble_options.Batch = None,
    variables: options.Variables = None,
    levels: options.Levels = None,
    grid: options.Grid = None,
    output: ensemble_options.EnsembleOutput = None,
    overwrite: options.Overwrite = None,
    resume: ensemble_options.Resume = None,
    sst: options.Sst = None,
    sst_data: options.SstData = None,
    sst_offset: options.SstOffset = None,
    scheduler: ensemble_options.Scheduler = None,
    coordinator: ensemble_options.Coordinator = None,
    process: ensemble_options.Process = None,
    offline: options.Offline = None,
    config: options.RunFile = None,
    dry_run: options.DryRun = None,
) -> None:
    """Forecast with many members at once.

    Example: ngcm ensemble -n 50 --lead 15d --every 12h --statistics mean,std
    """
    flags = {
        name: value
        for name, value in locals().items()
        if name not in ("config", "dry_run", "resume") and value is not None
    }
    with narration() as console:
        from ngcm_cli.config import EnsembleConfig, parse_switch, read_run_file

        if resume is not None and (config or dry_run):
            raise ConfigError(
                f"--{'config' if config else 'dry-run'} does not go with --resume.",
                "An ensemble goes on as it began: leave it out.",
            )
        known = (*EnsembleConfig.model_fields, "dry_run")
        settings = read_run_file(config, known) if config else {}
        only_check = settings.pop("dry_run", False) if dry_run is None else dry_run
        checked = None if resume is not None else EnsembleConfig(**(settings | flags))
        if checked is not None and parse_switch(only_check):
            from ngcm_cli.compiled import keep_compiled
            from ngcm_cli.ensemble.plan import plan_ensemble
            from ngcm_cli.ensemble.processes import Processes

            keep_compiled()  # to choose the batch compiles the model

            # A dry run downloads nothing, and says so if the weights are not here.
            checked = checked.model_copy(update={"offline": True})
            typer.echo(plan_ensemble(checked, Processes()).describe())
            return

        from ngcm_cli import run
        from ngcm_cli.ensemble.there import There

        started = time.monotonic()
        with following(console) as track, downloading(console) as download:
            changes = {} if resume is None else flags
            path = run.ensemble(
                checked, resume=resume, track=track, download=download, **changes
            )
        if There.read(path).finished:  # not by other processes, later
            summarize(console, path, time.monotonic() - started)
        typer.echo(path)

"""``ngcm forecast``, ``ensemble``, ``amip``, ``idealized``: one body for all runs."""

import functools
import os
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from ngcm_cli.cli import BEGAN, options
from ngcm_cli.cli.console import messages, print_summary
from ngcm_cli.cli.garbage_collection import late_collection
from ngcm_cli.cli.interrupts import leaving_at_interrupt
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import command
from ngcm_cli.errors import ConfigError

if TYPE_CHECKING:
    from ngcm_cli.config.settings import Settings

_NUDGING = ("nudge", "nudge_time", "nudge_variables", "nudge_wavenumber")
_SHARED = (
    *("precision", "restart_every", "on_instability", "batch"),
    *("scheduler", "coordinator", "process", "offline"),
)
FORECAST = (
    *("model", "data", "init", "lead", "every", "seed", "member", "perturb"),
    *("amplitude", "pressure_amplitude", "variables", "levels", "grid"),
    *("clip_humidity", "output", "zarr_format", "overwrite", "sst", "sst_data"),
    *("sst_time", "sst_offset", *_NUDGING, *_SHARED),
)
ENSEMBLE = (
    *("members", "model", "data", "init", "lead", "every", "seed", "perturb"),
    *("amplitude", "pressure_amplitude", "statistics", "ddof", "keep_members"),
    *("variables", "levels", "grid", "clip_humidity", "output", "zarr_format"),
    *("overwrite", "sst", "sst_data", "sst_time", "sst_offset"),
    *(*_NUDGING, *_SHARED),
)
IDEALIZED = (
    *("case", "truncation", "levels", "days", "time_step", "every", "variables"),
    *("output_levels", "grid", "output", "zarr_format", "overwrite", "precision"),
    "restart_every",
)
AMIP = (
    *("years", "months", "days", "start", "starts", "start_every", "init"),
    *("members", "model", "data", "seed", "output", "means", "every", "sample"),
    *("zarr_format", "variables", "levels", "grid", "clip_humidity"),
    *("fix_mean_pressure", "sst_data", "sst_time", "sst_offset"),
    *("sst_climatology", "sst_patch", *_NUDGING, *_SHARED),
)


def _run(
    command: str,
    flags: dict[str, Any],
    resume: pathlib.Path | None,
    run_file: pathlib.Path | None,
    dry_run: bool | None,
) -> None:
    """Check the settings and run them, resume a run, or print its summary."""
    with messages() as console, late_collection() as begin_collection:
        from ngcm_cli import config as configs

        kinds = (
            *(configs.ForecastConfig, configs.EnsembleConfig, configs.AmipConfig),
            configs.IdealizedConfig,
        )
        kind = next(kind for kind in kinds if kind.command == command)
        if resume is not None and run_file is not None:
            raise ConfigError(
                "--config cannot be given with --resume.",
                "A run is resumed with its own settings: leave it out.",
            )
        known = (*kind.model_fields, "dry_run")
        settings = configs.read_run_file(run_file, known) if run_file else {}
        only_check = settings.pop("dry_run", False) if dry_run is None else dry_run
        settings |= flags
        output = settings.get("output")
        is_new = resume is None and kind is configs.EnsembleConfig
        # Not imported for nothing: reading an existing run takes a while.
        if is_new and isinstance(output, str) and os.path.exists(output):
            from ngcm_cli.simulation.existing_run import settings_for_members

            settings = settings_for_members(settings)
        config = None if resume is not None else kind(**settings)
        is_dry = configs.parse_switch(only_check)
        started = time.monotonic()
        with Display(console, "Reading the model and the data") as display:
            with leaving_at_interrupt(display.leave):
                from ngcm_cli.gcm.traced_programs import keep_traced_programs
                from ngcm_cli.io.compilation_cache import enable_compilation_cache
                from ngcm_cli.simulation import run

            keep_traced_programs(enable_compilation_cache(), BEGAN)

            def track(progress: Any, simulation: Any) -> Iterator[Any]:
                for step in display.track(progress, simulation):
                    begin_collection()
                    yield step

            more = {} if resume is None else flags
            if issubclass(kind, configs.IdealizedConfig):
                case = more.pop("case", None) if resume is not None else config
                assert case is None or isinstance(case, kind | str)
                from ngcm_cli.idealized import run as idealized_run

                if is_dry:
                    plan = idealized_run.plan(case, resume=resume, **more)
                else:
                    path = idealized_run.run_idealized(
                        case, resume=resume, track=track, **more
                    )
            elif is_dry:
                plan = _dry_run(kind, config, flags, resume)  # pyright: ignore
            else:
                verb: Callable[..., pathlib.Path] = getattr(run, command)
                path = verb(
                    config,
                    resume=resume,
                    track=track,
                    download=display.download,
                    **more,
                )
        if is_dry:
            typer.echo(plan)
            return
        if run.is_complete(path):  # else other processes complete it later
            print_summary(console, path, time.monotonic() - started)
        typer.echo(path)


def _dry_run(
    kind: "type[Settings]",
    config: "Settings | None",
    flags: dict[str, Any],
    resume: pathlib.Path | None,
) -> str:
    """Return the summary of a run; nothing is downloaded or written."""
    from ngcm_cli.simulation import dask
    from ngcm_cli.simulation.distributed import planned
    from ngcm_cli.simulation.existing_run import settings_for_resume
    from ngcm_cli.simulation.setup import set_up
    from ngcm_cli.simulation.summary import summarize, summarize_progress

    if resume is not None:
        config = kind(**settings_for_resume(kind.command, resume, **flags))
    assert config is not None
    config = config.model_copy(update={"offline": True})
    processes = planned(config.coordinator, config.process)
    simulation = set_up(config, processes=processes, resume=resume is not None)
    if config.scheduler is not None:
        with dask.cluster(config.scheduler):  # or it raises
            pass
    return summarize(simulation) + summarize_progress(simulation)


COMMANDS = tuple(
    command(functools.partial(_run, name), name, text, fields, own)
    for name, fields, own, text in (
        (
            "forecast",
            FORECAST,
            {},
            """Forecast the weather from an initial state.

            Example: ngcm forecast --lead 5d --every 12h --output storm.zarr
            """,
        ),
        (
            "ensemble",
            ENSEMBLE,
            options.ENSEMBLE_OPTIONS,
            """Forecast with many members.

            Example: ngcm ensemble -n 50 --lead 15d --every 12h --statistics mean,std
            """,
        ),
        (
            "amip",
            AMIP,
            options.AMIP_OPTIONS,
            """Run for months or decades with prescribed SST.

            Example: ngcm amip --years 40 --output run
            """,
        ),
        (
            "idealized",
            IDEALIZED,
            options.IDEALIZED_OPTIONS,
            """Run an idealized case of the dynamical core.

            Without data and learned physics. The cases: held-suarez, steady-state,
            baroclinic-wave, polvani, resting-atmosphere; of shallow water williamson-2,
            williamson-5, williamson-6, galewsky.

            Example: ngcm idealized baroclinic-wave --truncation T42 --days 12
            """,
        ),
    )
)

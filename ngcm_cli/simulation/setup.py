"""From settings to a `Simulation`: everything that can fail cheaply fails here."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ngcm_cli.checkpoint.card import Card
from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.config.forecast import ForecastSettings
from ngcm_cli.config.settings import Settings
from ngcm_cli.diagnostics import GLOBAL_MEANS, needs_water_budget
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.interface import Model
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.output.field_selection import FieldSelection
from ngcm_cli.output.run_paths import RunPaths
from ngcm_cli.output.streams import ClimateOutput, Stream, forecast_stream, total_size
from ngcm_cli.simulation.batch import auto_batch_size, devices_for_batch
from ngcm_cli.simulation.data_sources import (
    DataSources,
    check_local_paths,
    local_files,
    with_absolute_paths,
)
from ngcm_cli.simulation.distributed import Processes
from ngcm_cli.simulation.existing_run import ExistingRun, find_existing
from ngcm_cli.simulation.forcing_windows import ForcingWindows
from ngcm_cli.simulation.output_selection import (
    select_fields,
    select_variables,
)
from ngcm_cli.simulation.provenance import run_attributes
from ngcm_cli.simulation.schedule import DAY, Schedule
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.units import REFERENCE_TIME
from ngcm_cli.zoo import open_model

Keys = Callable[[int, int], int | None]


def set_up(
    config: Settings,
    download: ByteProgress = no_progress,
    processes: Processes | None = None,
    resume: bool = False,
    loaded: tuple[Card, Any] | None = None,
) -> Simulation:
    """Check everything that can be checked before the model runs.

    Args:
        config: the settings.
        download: receives the progress of downloads.
        processes: that share the run; None is this one alone.
        resume: whether the output exists, and waits for what is missing.
        loaded: the model, if it is in memory already.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    processes = processes or Processes()
    if config.scheduler is not None and processes.count > 1:
        raise ConfigError(
            "Either a Dask scheduler shares the work, or several processes do.",
            "Leave out --scheduler, or run one process.",
        )
    existing = None
    if config.output is not None:
        existing = _check_output(config, config.output, resume, processes)
    check_local_paths(config)
    card, model = loaded or open_model(
        config.model, offline=config.offline, progress=download
    )
    _check_times(config, model)
    variables = select_variables(config, model)
    if needs_water_budget(variables):
        model = model.with_water_budget()
    if isinstance(config, AmipConfig) and config.fix_mean_pressure:
        model = model.with_fixed_mean_pressure()
    _check_members(config, model)
    sources = DataSources(config, model, download)
    inits = _init_times(config, model, sources)
    if len(inits) > 1 and not resume:
        sources.check(inits)
    if config.output is None:
        config = config.model_copy(
            update={"output": _default_output(config, card, inits)}
        )
        assert config.output is not None
        existing = _check_output(config, config.output, resume, processes)
    paths = run_paths(config, config.output)
    schedules = tuple(_schedule(config, init) for init in inits)
    fields = select_fields(config, model, variables)
    members, complete = _members(config, existing, resume, processes)
    is_extended = bool(complete) and not resume
    notes = _notes(sources, inits, resume, paths)
    attributes = run_attributes(config, card, inits, notes)
    streams = _streams(config, model, schedules, members, fields, attributes)
    forcings = _forcings(sources, schedules)
    identity = _identity(config, card, inits, forcings)
    if existing is not None:
        existing.check(identity, config.batch)
    simulation = Simulation(
        config=config,
        card=card,
        model=model,
        paths=paths,
        schedules=schedules,
        streams=streams,
        members=members,
        keys=_keys(config, len(inits)),
        variables=variables,
        levels="model" if config.levels == "model" else "pressure",
        batch=1,
        devices=[],
        processes=processes,
        analysis=lambda init: sources.analysis(inits[init]),
        forcing=forcings,
        notes=notes,
        identity=identity,
        complete=complete,
        failed=() if existing is None else existing.failed,
        is_resumed=resume,
        is_extended=is_extended,
    )
    batch = existing.batch if existing is not None else config.batch
    if batch is None:
        batch = auto_batch_size(
            model,
            lambda: simulation.initial_state(0, members[0]),
            forcings(0).at(schedules[0].init),
            len(members),
            processes.count,
        )
    simulation = dataclasses.replace(
        simulation, batch=batch, devices=devices_for_batch(batch)
    )
    if not resume:
        _check_space(simulation)
    return simulation


def run_paths(config: Settings, output: pathlib.Path) -> RunPaths:
    """Return where a run of these settings writes."""
    return RunPaths(output, isinstance(config, AmipConfig))


def _check_output(
    config: Settings, output: pathlib.Path, resume: bool, processes: Processes
) -> ExistingRun | None:
    """Check the output before anything long, and find what exists there."""
    paths = run_paths(config, output)
    for source, described in local_files(config):
        paths.check_apart_from(source, described)
    return find_existing(config, paths, resume, processes.run)


def _default_output(
    config: Settings, card: Card, inits: Sequence[np.datetime64]
) -> pathlib.Path:
    init = format_time(inits[0])
    if isinstance(config, AmipConfig):
        return pathlib.Path(f"{card.name}_amip_{init}")
    suffix = "_ensemble" if isinstance(config, EnsembleConfig) else ""
    return pathlib.Path(f"{card.name}_{init}{suffix}.zarr")


def _init_times(
    config: Settings, model: Model, sources: DataSources
) -> tuple[np.datetime64, ...]:
    """Return the initial times; the only one in the data if none is given."""
    if isinstance(config, AmipConfig):
        return config.init_times
    assert isinstance(config, ForecastSettings)
    if config.init is not None:
        return config.init
    init = sources.analysis(None).time.astype("datetime64[s]")
    _check_on_step(init, model, "The time of the data,", "Give data for")
    return (init,)


def _check_times(config: Settings, model: Model) -> None:
    """Raise unless samples, outputs and initial times are whole model steps."""
    step = model.time_step
    is_long = isinstance(config, AmipConfig)
    name = "sample" if is_long else "every"
    span = getattr(config, name)
    if span % step:
        raise ConfigError(
            f"{name} {format_duration(span)} is not a multiple of the step of "
            f"{model.name}, {format_duration(step)}.",
            f"Give a multiple of {format_duration(step)}.",
        )
    inits = config.init_times if is_long else config.init or ()
    for init in inits:
        flag = "start" if is_long and config.init is None else "init"
        _check_on_step(init, model, flag, "The nearest time that is:")


def _check_on_step(init: np.datetime64, model: Model, named: str, advice: str) -> None:
    step = model.time_step
    beyond = (init - REFERENCE_TIME) % step
    if not beyond:
        return
    nearest = format_time(init - beyond + (step if 2 * beyond >= step else 0 * step))
    comma = "," if named.endswith(",") else ""
    end = "." if not comma else ", the nearest time that is."
    raise ConfigError(
        f"{named} {format_time(init)}{comma} is not a whole number of steps of "
        f"{model.name}, {format_duration(step)}, from {format_time(REFERENCE_TIME)}.",
        f"{advice} {nearest}{end}",
    )


def _check_members(config: Settings, model: Model) -> None:
    """Raise if all members would be the same."""
    numbered = isinstance(config, EnsembleConfig) or (
        isinstance(config, ForecastConfig) and config.member is not None
    )
    perturbed = getattr(config, "perturb", "none") != "none"
    if numbered and not perturbed and not model.stochastic:
        raise ConfigError(
            f"All members of {model.name} are the same: it is deterministic.",
            "Perturb the initial state, as with --perturb gaussian --amplitude 0.5K.",
        )


def _members(
    config: Settings,
    existing: ExistingRun | None,
    resume: bool,
    processes: Processes,
) -> tuple[tuple[int, ...], frozenset[int]]:
    """Return all members of the output, and those that are complete already."""
    if isinstance(config, AmipConfig):
        return tuple(range(config.members)), frozenset()
    if not isinstance(config, EnsembleConfig):
        return (0,), frozenset()
    if existing is None:
        return tuple(config.members), frozenset()
    if resume or existing.run == processes.run:
        return existing.members, existing.complete
    return (*existing.members, *config.members), frozenset(existing.members)


def _keys(config: Settings, inits: int) -> Keys:
    """Return the numbers that are folded into the random keys of members."""
    if isinstance(config, EnsembleConfig):
        return lambda init, member: member
    if isinstance(config, AmipConfig):
        if config.members * inits == 1:
            return lambda init, member: None
        return lambda init, member: init * config.members + member
    assert isinstance(config, ForecastConfig)
    return lambda init, member: config.member


def _schedule(config: Settings, init: np.datetime64) -> Schedule:
    if isinstance(config, AmipConfig):
        return Schedule(
            init=init,
            length=config.end_of(init) - init,
            window=DAY,
            sample=config.sample,
            every=config.every,
            means=config.means,
            restart_every=config.restart_every,
        )
    assert isinstance(config, ForecastSettings)
    return Schedule(
        init=init,
        length=config.lead,
        window=config.every,
        sample=config.every,
        every=config.every,
        has_final_output=True,
        restart_every=config.restart_every,
    )


def _streams(
    config: Settings,
    model: Model,
    schedules: Sequence[Schedule],
    members: tuple[int, ...],
    fields: FieldSelection,
    attributes: Callable[[int], dict[str, Any]],
) -> tuple[tuple[Stream, ...], ...]:
    """Return the streams of every initial time."""
    if not isinstance(config, AmipConfig):
        assert isinstance(config, ForecastSettings)
        is_ensemble = isinstance(config, EnsembleConfig)
        stream = forecast_stream(
            fields,
            [schedule.init for schedule in schedules],
            np.arange(schedules[0].windows) * config.every.astype("timedelta64[s]"),
            members if is_ensemble else None,
            config.statistics if is_ensemble else (),
            config.keep_members if is_ensemble else True,
            attributes(0),
        )
        return tuple((stream,) for _ in schedules)
    series = {
        name: (mean.dimensions, mean.statistic, mean.attributes())
        for name, mean in GLOBAL_MEANS.items()
    }
    keys = _keys(config, len(schedules))
    found = []
    for i, schedule in enumerate(schedules):
        several = len(schedules) > 1
        output = ClimateOutput(
            folder=f"starts/{format_time(schedule.init)}/" if several else "",
            start=schedule.init,
            end=schedule.end,
            sample=config.sample,
            fields=fields,
            series=series,
            sigma=np.asarray(model.sigma_levels.centers),
            realizations=[keys(i, m) or 0 for m in members]
            if len(members) > 1
            else None,
            attributes=attributes(i),
        )
        found.append(output.streams(config.means, config.every))
    return tuple(found)


def _notes(
    sources: DataSources,
    inits: Sequence[np.datetime64],
    resume: bool,
    paths: RunPaths,
) -> dict[str, tuple[str, ...]]:
    """Return what was converted and substituted in the data.

    The atmosphere of a run that is resumed from restart files is not read again.
    """
    forcing = sources.forcing(inits[0]).notes
    if resume and any(paths.work.glob("restarts/*/[0-9]*.nc")):
        return {"data": (), "sst": tuple(forcing)}
    return {"data": tuple(sources.analysis(inits[0]).notes), "sst": tuple(forcing)}


def _forcings(
    sources: DataSources, schedules: Sequence[Schedule]
) -> Callable[[int], ForcingWindows]:
    held: dict[int, ForcingWindows] = {}

    def forcing(init: int) -> ForcingWindows:
        if init not in held:
            held.clear()  # one on the device
            schedule = schedules[init]
            held[init] = ForcingWindows(
                sources.forcing(schedule.init),
                schedule.init,
                schedule.end,
                schedule.window,
            )
        return held[init]

    return forcing


def _identity(
    config: Settings,
    card: Card,
    inits: Sequence[np.datetime64],
    forcings: Callable[[int], ForcingWindows],
) -> dict[str, Any]:
    """Return what a resumed run must have in common with this one."""
    spec = card.spec.model_dump_json() if isinstance(card, Card) else ""
    return {
        "weights_sha256": card.weights.sha256,
        "spec_sha256": hashlib.sha256(spec.encode()).hexdigest(),
        "forcing_sha256": forcings(0).forcing.sha256,
        "settings": result_settings(config, inits),
    }


def result_settings(
    config: Settings, inits: Sequence[np.datetime64] | None = None
) -> dict[str, str]:
    """Return the settings that decide the result, as text without secrets."""
    from ngcm_cli.inputs.sources.location import redacted
    from ngcm_cli.time_format import format_times

    settings = with_absolute_paths(config)
    if isinstance(config, ForecastSettings) and inits is not None:
        settings["init"] = format_times(inits)
    for name in ("data", "sst_data"):
        if name in settings:
            settings[name] = redacted(settings[name])
    apart = (*config.allowed_on_resume, "overwrite", "members", "batch")
    if isinstance(config, AmipConfig):
        apart = (*config.allowed_on_resume, "batch")
    return {name: text for name, text in settings.items() if name not in apart}


def _check_space(simulation: Simulation) -> None:
    """Raise if the output cannot fit on its disk, however well it compresses."""
    size, _ = total_size(simulation.all_streams)
    if simulation.is_extended:
        members = len(simulation.members)
        size *= (members - len(simulation.complete)) / members
    copies = 2 if simulation.paths.is_exported else 1
    simulation.paths.check_space(copies * size / 3, "The output")

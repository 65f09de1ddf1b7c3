"""From settings to a `Simulation`: everything that can fail cheaply fails here."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ngcm_cli.checkpoint.card import Card
from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.config.noise import vectors_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.diagnostics import GLOBAL_MEANS, needs_water_budget
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.interface import Model
from ngcm_cli.inputs.singular_vectors import read_singular_vectors
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.io.array_digest import arrays_sha256
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.output.field_selection import FieldSelection
from ngcm_cli.output.run_paths import RunPaths
from ngcm_cli.output.streams import ClimateOutput, Stream, forecast_stream
from ngcm_cli.simulation.batch import auto_batch_size, devices_for_batch
from ngcm_cli.simulation.data_sources import (
    DataSources,
    local_files,
    resolve_data,
    with_absolute_paths,
)
from ngcm_cli.simulation.distributed import Processes
from ngcm_cli.simulation.existing_run import ExistingRun, find_existing
from ngcm_cli.simulation.members import check_members, find_members, member_keys
from ngcm_cli.simulation.nudging_reference import NudgingReference
from ngcm_cli.simulation.output_selection import read_request, select_fields
from ngcm_cli.simulation.provenance import run_attributes
from ngcm_cli.simulation.schedule import DAY, Schedule
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.time_format import format_duration, format_time, format_times
from ngcm_cli.units import REFERENCE_TIME
from ngcm_cli.zoo import open_model


def set_up(
    config: Settings,
    download: ByteProgress = no_progress,
    processes: Processes | None = None,
    resume: bool = False,
) -> Simulation:
    """Check everything that can be checked before the model runs.

    Args:
        config: the settings.
        download: receives the progress of downloads.
        processes: that share the run; None is this one alone.
        resume: whether the output exists, and waits for what is missing.

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
        existing = _check_output(config, resume, processes)
    config = resolve_data(config)
    card, model = open_model(
        config.model,
        precision=config.precision,
        offline=config.offline,
        progress=download,
    )
    _check_times(config, model)
    request = read_request(config, model)
    variables = request.variables
    if needs_water_budget(variables):
        model = model.with_water_budget()
    if isinstance(config, AmipConfig) and config.fix_mean_pressure:
        model = model.with_fixed_mean_pressure()
    check_members(config, model)
    sources = DataSources(config, model, download)
    inits = _init_times(config, model, sources)
    vectors = _read_vectors(config, model, inits)
    if len(inits) > 1 and not resume:
        sources.check(inits)
    if config.output is None:
        config = config.model_copy(
            update={"output": _default_output(config, card, inits)}
        )
        existing = _check_output(config, resume, processes)
    paths = run_paths(config)
    schedules = tuple(_schedule(config, init) for init in inits)
    fields = select_fields(config, model, request)
    members, complete = find_members(config, existing, resume, processes)
    keys = member_keys(config, len(inits))
    nudging = None
    if config.nudge is not None:
        nudging = NudgingReference(config, model, schedules, download)
    sources.set_schedules(schedules, nudging)
    first = schedules[0].init
    # The atmosphere of a run that continues from restart files is not read again.
    is_restarted = resume and any(paths.work.glob("restarts/*/[0-9]*.nc"))
    notes = {
        "data": () if is_restarted else sources.analysis(first).notes,
        "sst": sources.forcing(first).notes,
        "variables": request.notes,
        "nudging": () if nudging is None else nudging.notes,
    }
    identity = {
        "weights_sha256": card.weights.sha256,
        "spec_sha256": _spec_digest(card),
        "forcing_sha256": sources.forcing(first).sha256,
        "nudging_sha256": "" if nudging is None else nudging.sha256,
        "vectors_sha256": "" if vectors is None else arrays_sha256(*vectors.values()),
        "settings": result_settings(config, inits),
    }
    if existing is not None:
        existing.check(identity, config.batch)
    attributes = run_attributes(config, card, inits, notes)
    simulation = Simulation(
        config=config,
        card=card,
        model=model,
        paths=paths,
        schedules=schedules,
        streams=_streams(config, model, schedules, members, keys, fields, attributes),
        members=members,
        keys=keys,
        variables=variables,
        levels="model" if isinstance(config.levels, str) else "pressure",
        batch=1,
        devices=[],
        processes=processes,
        analysis=lambda init: sources.analysis(inits[init]),
        forcing=sources.forcing_windows,
        notes=notes,
        identity=identity,
        complete=complete,
        failed=() if existing is None else tuple(existing.record["failed"]),
        vectors=vectors,
        is_resumed=resume,
        is_extended=bool(complete) and not resume,
    )
    batch = existing.batch if existing is not None else config.batch
    if batch is None:
        batch = auto_batch_size(
            model,
            lambda: simulation.initial_state(0, members[0]),
            sources.forcing_windows(0).at(first),
            len(members),
            processes.count,
        )
    simulation = dataclasses.replace(
        simulation, batch=batch, devices=devices_for_batch(batch)
    )
    if not resume:
        check_space(simulation)
    return simulation


def run_paths(config: Settings) -> RunPaths:
    """Return where a run of these settings writes."""
    assert config.output is not None
    return RunPaths(config.output, isinstance(config, AmipConfig))


def _check_output(
    config: Settings, resume: bool, processes: Processes
) -> ExistingRun | None:
    """Check the output before anything long, and find what exists there."""
    paths = run_paths(config)
    paths.check_name()
    for source, described in local_files(config):
        paths.check_apart_from(source, described)
    return find_existing(config, paths, resume, processes.run)


def _default_output(
    config: Settings, card: Card, inits: Sequence[np.datetime64]
) -> pathlib.Path:
    name, init = card.name, format_time(inits[0])
    if isinstance(config, AmipConfig):
        return pathlib.Path(f"{name}_amip_{init}")
    suffix = "_ensemble" if isinstance(config, EnsembleConfig) else ""
    return pathlib.Path(f"{name}_{init}{suffix}.zarr")


def _init_times(
    config: Settings, model: Model, sources: DataSources
) -> tuple[np.datetime64, ...]:
    """Return the initial times; the only one in the data if none is given."""
    if isinstance(config, AmipConfig):
        return config.init_times
    if config.init is not None:
        return config.init
    init = sources.analysis(None).time.astype("datetime64[s]")
    check_on_step(init, model, "The time of the data")
    return (init,)


def _check_times(config: Settings, model: Model) -> None:
    """Raise unless samples, outputs and initial times are whole model steps."""
    is_long = isinstance(config, AmipConfig)
    name = "sample" if is_long else "every"
    step, span = model.time_step, getattr(config, name)
    if span % step:
        raise ConfigError(
            f"{name} {format_duration(span)} is not a multiple of the step of "
            f"{model.name}, {format_duration(step)}.",
            f"Give a multiple of {format_duration(step)}.",
        )
    for init in (config.init_times if is_long else config.init) or ():
        check_on_step(init, model, "start" if config.init is None else "init")


def check_on_step(init: np.datetime64, model: Model, named: str) -> None:
    """Raise unless a time is a whole number of model steps from the model's zero."""
    step = model.time_step
    if beyond := (init - REFERENCE_TIME) % step:
        nearest = init - beyond + (step if 2 * beyond >= step else 0 * step)
        raise ConfigError(
            f"{named} {format_time(init)} is not a whole number of steps of "
            f"{model.name}, {format_duration(step)}, from "
            f"{format_time(REFERENCE_TIME)}.",
            f"The nearest time that is: {format_time(nearest)}.",
        )


def _read_vectors(
    config: Settings, model: Model, inits: Sequence[np.datetime64]
) -> dict[str, np.ndarray] | None:
    """Return the singular vectors that perturb initial states, if any do."""
    path = vectors_file(getattr(config, "perturb", "none"))
    if path is None:
        return None
    sigma = np.asarray(model.sigma_levels.centers)
    return read_singular_vectors(path, model.grid, sigma, inits)


def _schedule(config: Settings, init: np.datetime64) -> Schedule:
    if isinstance(config, AmipConfig):
        return Schedule(
            init,
            length=config.end_of(init) - init,
            window=DAY,
            sample=config.sample,
            every=config.every,
            means=config.means,
            restart_every=config.restart_every,
        )
    assert isinstance(config, ForecastConfig | EnsembleConfig)
    return Schedule(
        init,
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
    keys: Callable[[int, int], int | None],
    fields: FieldSelection,
    attributes: Callable[[int], dict[str, Any]],
) -> tuple[tuple[Stream, ...], ...]:
    """Return the streams of every initial time."""
    if not isinstance(config, AmipConfig):
        first = schedules[0]
        ensemble = config if isinstance(config, EnsembleConfig) else None
        stream = forecast_stream(
            fields,
            [schedule.init for schedule in schedules],
            np.arange(first.windows) * first.window.astype("timedelta64[s]"),
            members if ensemble else None,
            ensemble.statistics if ensemble else (),
            ensemble.keep_members if ensemble else True,
            attributes(0),
            config.zarr_format,
            ensemble.ddof if ensemble else 1,
        )
        return tuple((stream,) for _ in schedules)
    series = {
        name: (mean.dimensions, mean.statistic, mean.attributes())
        for name, mean in GLOBAL_MEANS.items()
    }
    several = len(schedules) > 1
    return tuple(
        ClimateOutput(
            folder=f"starts/{format_time(schedule.init)}/" if several else "",
            start=schedule.init,
            end=schedule.end,
            sample=config.sample,
            fields=fields,
            series=series,
            sigma=np.asarray(model.sigma_levels.centers),
            realizations=[keys(i, m) or 0 for m in members] if members[1:] else None,
            attributes=attributes(i),
            zarr_format=config.zarr_format,
        ).streams(config.means, config.every)
        for i, schedule in enumerate(schedules)
    )


def _spec_digest(card: Card) -> str:
    spec = card.spec.model_dump_json() if isinstance(card, Card) else ""
    return hashlib.sha256(spec.encode()).hexdigest()


def result_settings(
    config: Settings, inits: Sequence[np.datetime64] = ()
) -> dict[str, str]:
    """Return the settings that decide the result, as text without secrets."""
    settings = with_absolute_paths(config)
    apart = (*config.allowed_on_resume, "batch", "overwrite")
    if not isinstance(config, AmipConfig):
        if inits:
            settings["init"] = format_times(inits)
        apart = (*apart, "members")
    for name in config.sources:
        if name in settings:
            settings[name] = redacted(settings[name])
    return {name: text for name, text in settings.items() if name not in apart}


def check_space(simulation: Simulation) -> None:
    """Raise if the output cannot fit on its disk, however well it compresses."""
    size = sum(stream.schema.nbytes for stream in simulation.all_streams)
    if simulation.is_extended:
        members = len(simulation.members)
        size *= (members - len(simulation.complete)) / members
    copies = 2 if simulation.paths.is_exported else 1
    simulation.paths.check_space(copies * size / 3, "The output")

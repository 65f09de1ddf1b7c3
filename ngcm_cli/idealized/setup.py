"""From the settings of an idealized case to a `Simulation`."""

import math
import pathlib
from typing import Any

import numpy as np

from ngcm_cli.config import IdealizedConfig
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.errors import ConfigError
from ngcm_cli.idealized.case import Case, Resolution
from ngcm_cli.idealized.cases import CASES, find_case
from ngcm_cli.idealized.model import IdealizedModel
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.output.run_paths import RunPaths
from ngcm_cli.output.streams import forecast_stream
from ngcm_cli.simulation.batch import devices_for_batch
from ngcm_cli.simulation.data_sources import public_command
from ngcm_cli.simulation.distributed import Processes
from ngcm_cli.simulation.existing_run import find_existing
from ngcm_cli.simulation.output_selection import (
    read_request,
    select_fields,
)
from ngcm_cli.simulation.provenance import device, software_attributes
from ngcm_cli.simulation.schedule import Schedule
from ngcm_cli.simulation.setup import check_space
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.time_format import format_duration, utc_now

_MINUTE, _DAY = np.timedelta64(60, "s"), np.timedelta64(86400, "s")

INITIAL_TIME = np.datetime64("2000-01-01T00", "s")
"""Time of every initial state, which has no date of its own, UTC."""


class Unforced:
    """The surface forcing of a model that needs none."""

    def at(self, window: np.datetime64, sample: np.datetime64 | None = None) -> None:
        """Return no forcing."""
        return None


def set_up(
    config: IdealizedConfig, case: Case | None = None, resume: bool = False
) -> Simulation:
    """Check everything that can be checked before the model runs.

    Args:
        config: the settings.
        case: to run; None is that of the settings.
        resume: whether the output exists, and waits for what is missing.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    if case is None:
        case = _named_case(config)
    config = _with_defaults(config, case)
    resolution = _resolution(config, case)
    label = _label(resolution, case)
    if config.output is None:
        output = pathlib.Path(f"{case.name}_{label}.zarr")
        config = config.model_copy(update={"output": output})
    assert config.output is not None
    paths, processes = RunPaths(config.output, False), Processes()
    paths.check_name()
    existing = find_existing(config, paths, resume, processes.run)
    model = case.build(resolution)
    on_pressure = not isinstance(config.output_levels, str)
    if not isinstance(config.output_levels, str | None):
        model = model.with_levels(config.output_levels)
    request = read_request(config, model)
    assert config.lead is not None and config.every is not None
    schedule = Schedule(
        INITIAL_TIME,
        length=config.lead,
        window=config.every,
        sample=config.every,
        every=config.every,
        has_final_output=True,
        restart_every=config.restart_every,
    )
    about = _about(case, label, resolution, model)
    stream = forecast_stream(
        select_fields(config, model, request),
        [schedule.init],
        np.arange(schedule.windows) * schedule.window.astype("timedelta64[s]"),
        None,
        (),
        True,
        _attributes(config, case, label, resolution, model),
        config.zarr_format,
    )
    identity = {
        **dict.fromkeys((f"{name}_sha256" for name in _LEARNED), ""),
        "settings": _result_settings(config),
    }
    if existing is not None:
        existing.check(identity, None)
    analysis = Analysis(schedule.init, {}, ())
    simulation = Simulation(
        config=config,
        card=None,
        model=model,
        paths=paths,
        schedules=(schedule,),
        streams=((stream,),),
        members=(0,),
        keys=lambda init, member: None,
        variables=request.variables,
        levels="pressure" if on_pressure else "model",
        batch=1,
        devices=devices_for_batch(1),
        processes=processes,
        analysis=lambda init: analysis,
        forcing=lambda init: Unforced(),
        notes={"variables": request.notes},
        identity=identity,
        failed=() if existing is None else tuple(existing.record["failed"]),
        is_resumed=resume,
        about=about,
    )
    if not resume:
        check_space(simulation)
    return simulation


_LEARNED = ("weights", "spec", "forcing", "nudging", "vectors")
"""What other runs must have in common to be resumed, and this one has not."""


def _named_case(config: IdealizedConfig) -> Case:
    if config.case is None:
        raise ConfigError("No case is named.", f"Give one of {', '.join(CASES)}.")
    return find_case(config.case)


def _with_defaults(config: IdealizedConfig, case: Case) -> IdealizedConfig:
    """Return settings in which everything that the case decides is given.

    Raises:
        ConfigError: the case and the settings do not fit each other.
    """
    given = {name: getattr(config, name) for name in config.model_fields_set}
    if case.layers is None:
        for name in ("levels", "output_levels"):
            if given.get(name) is not None:
                raise ConfigError(
                    f"{name} are given, but {case.name} has no vertical.",
                    f"Leave out --{name.replace('_', '-')}.",
                )
    every = case.every
    if config.lead is not None:  # outputs that end with the run
        seconds = (span // np.timedelta64(1, "s") for span in (every, config.lead))
        every = np.timedelta64(math.gcd(*map(int, seconds)), "s")
    usual: dict[str, Any] = {
        "case": case.name,
        "truncation": f"T{case.truncation}",
        "days": case.lead / np.timedelta64(1, "D"),
        "every": every,
    }
    if case.layers is not None:
        usual["levels"] = case.layers
    filled = usual | {name: x for name, x in given.items() if x is not None}
    filled |= {"case": case.name}
    return IdealizedConfig(**filled)


def _resolution(config: IdealizedConfig, case: Case) -> Resolution:
    """Return the resolution that settings ask for.

    Raises:
        ConfigError: no time step fits the truncation.
    """
    assert config.truncation is not None and config.every is not None
    truncation, step = int(config.truncation[1:]), config.time_step
    if step is None:
        seconds = case.automatic_step(truncation)
        if seconds is None:
            raise ConfigError(
                f"T{truncation} needs a time step below a minute, of "
                f"{case.longest_step(truncation):.0f} s.",
                "Give a coarser truncation.",
            )
        step = np.timedelta64(seconds, "s")
        if config.every % _MINUTE:
            raise ConfigError(
                f"every {format_duration(config.every)} is not whole minutes.",
                "Give one such as 6h.",
            )
        while config.every % step or _DAY % step:
            step -= _MINUTE
    if _DAY % step:
        raise ConfigError(
            f"time_step {format_duration(step)} does not divide a day.",
            "Give auto, or one such as 10m.",
        )
    levels = SigmaLevels(1)
    if isinstance(config.levels, int):
        levels = SigmaLevels(config.levels)
    elif config.levels is not None:
        levels = SigmaLevels.between(config.levels)
    seconds = int(step / np.timedelta64(1, "s"))
    return Resolution(truncation, levels, seconds, config.precision)


def _label(resolution: Resolution, case: Case) -> str:
    """Return the resolution as the field writes it: ``T42L20``."""
    levels = "" if case.layers is None else f"L{resolution.levels.layers}"
    return f"T{resolution.truncation}{levels}"


def _about(
    case: Case, label: str, resolution: Resolution, model: IdealizedModel
) -> dict[str, list[str]]:
    """Return what a case is, for the summary."""
    step = np.timedelta64(resolution.step_seconds, "s")
    lines = [f"{label}, time step {format_duration(step)}"]
    longest = case.longest_step(resolution.truncation)
    if resolution.step_seconds > longest:
        lines.append(
            f"longer than the {longest:.0f} s that are safe with {case.speed:g} m/s"
        )
    if resolution.levels.interior is not None:
        bounds = ", ".join(f"{x:.4g}" for x in resolution.levels.boundaries)
        lines.append(f"sigma layers between {bounds}")
    return {
        "Case": [f"{case.name}: {case.title}", case.paper],
        "Equations": [
            model.equations,
            f"on {device()}, precision {resolution.precision}",
        ],
        "Resolution": lines,
    }


def _attributes(
    config: IdealizedConfig,
    case: Case,
    label: str,
    resolution: Resolution,
    model: IdealizedModel,
) -> dict[str, Any]:
    """Return the global attributes of the output."""
    vertical = {}
    if case.layers is not None:
        bounds = (f"{x:.6g}" for x in resolution.levels.boundaries)
        vertical["sigma_boundaries"] = ", ".join(bounds)
    return {
        "title": f"{case.title}, {label}",
        "source": f"ngcm, {model.equations}, {label}",
        "history": f"{utc_now()}: {public_command(config)}",
        "references": case.paper,
        "model": case.name,
        "truncation": f"T{resolution.truncation}",
        "time_step_seconds": resolution.step_seconds,
        "precision": config.precision,
        **vertical,
        **software_attributes(),
    }


def _result_settings(config: IdealizedConfig) -> dict[str, str]:
    """Return the settings that decide the result, as text."""
    apart = ("output", "overwrite", *config.allowed_on_resume)
    flags = config.as_flags(defaults=True)
    return {name: text for name, text in flags.items() if name not in apart}

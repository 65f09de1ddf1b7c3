"""The summary of a run before it starts: what ``--dry-run`` prints."""

import itertools
import textwrap
from collections.abc import Mapping, Sequence

import jax

from ngcm_cli.config import AmipConfig, IdealizedConfig
from ngcm_cli.config.forecast import ForecastSettings
from ngcm_cli.config.noise import AmplitudeProfile, vectors_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.io.progress import format_size
from ngcm_cli.output.streams import total_size
from ngcm_cli.simulation.data_sources import (
    describe_analysis,
    describe_forcing,
)
from ngcm_cli.simulation.existing_run import format_ranges
from ngcm_cli.simulation.provenance import describe_nudging, device
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.status import read_status
from ngcm_cli.time_format import format_duration, format_time

Sections = Mapping[str, Sequence[str]]
"""Lines by heading."""

_COMPRESSION = 1.3  # weather in float32 shrinks by a quarter
_MANY_FILES = 20_000  # beyond, disks of computing centres may refuse them


def summarize(simulation: Simulation) -> str:
    """Return what a run will do, one aspect per paragraph."""
    config = simulation.config
    is_idealized = isinstance(config, IdealizedConfig)
    sections = {
        **(simulation.about if is_idealized else _model_and_data(simulation, config)),
        "Run": _run(simulation),
        "Variables": [
            ", ".join(simulation.variables),
            *simulation.notes["variables"],
        ],
        "Grid": _grid(simulation),
        "Output": _output(simulation),
    }
    return "\n".join(
        f"{'' if i else heading:<10} {line}"
        for heading, lines in sections.items()
        for i, line in enumerate(itertools.chain(*map(_wrap, lines)))
    )


def summarize_progress(simulation: Simulation) -> str:
    """Return how far a run is that is resumed, to follow its summary; else nothing."""
    if not simulation.is_resumed:
        return ""
    lines = read_status(simulation.paths.output).lines()[1:]
    return "".join(f"\n{heading:<10} {text}" for heading, text in lines)


def _model_and_data(simulation: Simulation, config: Settings) -> Sections:
    card = simulation.card
    assert card is not None
    return {
        "Model": [
            f"{card.name}, weights {card.weights.sha256[:12]}, {card.licence}",
            f"on {device()}, precision {config.precision}",
            _randomness(config),
        ],
        "Data": [describe_analysis(config), *simulation.notes["data"]],
        "SST": [_forcing(config), *simulation.notes["sst"]],
        "Nudging": []
        if config.nudge is None
        else [describe_nudging(config), *simulation.notes["nudging"]],
    }


def _wrap(line: str) -> list[str]:
    """Return a line in parts that fit 80 columns beside a heading; names stay whole."""
    return textwrap.wrap(line, 69, break_long_words=False, break_on_hyphens=False)


def _randomness(config: Settings) -> str:
    text = f"seed {config.seed}"
    member = getattr(config, "member", None)
    if member is not None:
        text += f", member {member}"
    if isinstance(config, ForecastSettings) and config.perturb != "none":
        unit = "(hPa:K)" if isinstance(config.amplitude, AmplitudeProfile) else "K"
        if vectors := vectors_file(config.perturb):
            kind, pressure = f"singular vectors in {vectors}, each up to", ""
        else:
            kind = f"{config.perturb} noise of"
            pressure = f" and {config.pressure_amplitude:g} Pa"
        text += f", initial state perturbed by {kind} "
        text += f"{config.amplitude} {unit}{pressure}"
    if isinstance(config, AmipConfig):
        fixed = "fixed" if config.fix_mean_pressure else "free to drift"
        text += f"; mean surface pressure {fixed}"
    return text


def _forcing(config: Settings) -> str:
    offset = f", {config.sst_offset:+g} K" if config.sst_offset else ""
    if isinstance(config, ForecastSettings):
        return f"{config.sst}{offset}, from {describe_forcing(config)}"
    return f"{describe_forcing(config)}{offset}"


def _run(simulation: Simulation) -> list[str]:
    """Return initial times, length, members and how they are divided."""
    first, count = simulation.schedules[0], len(simulation.schedules)
    span = format_duration(first.length)
    line = f"{format_time(first.init)} to {format_time(first.end)}, {span}"
    if first.has_final_output:
        every = format_duration(first.window)
        line += f" every {every}: {first.windows} lead times"
    lines = [line]
    if count > 1:
        last = format_time(simulation.schedules[-1].init)
        lines.append(f"and from {count - 1} more initial times, to {last}")
    members = len(simulation.members)
    if members > 1 or simulation.all_streams[0].statistics:
        text = [f"members {format_ranges(simulation.members)}"]
        text.append(f"{simulation.batch} at once")
        if len(simulation.devices) > 1:
            text.append(f"on {len(simulation.devices)} devices")
        lines.append(", ".join(text))
        if simulation.is_extended:
            added = [x for x in simulation.members if x not in simulation.complete]
            lines.append(f"members {format_ranges(added)} are added to the output")
        idle = len(jax.local_devices()) - len(simulation.devices)
        if idle:
            have = "devices have" if idle > 1 else "device has"
            lines.append(
                f"{idle} {have} no share, for {simulation.batch} do not divide evenly"
            )
    if simulation.processes.count > 1:
        lines.append(f"in {simulation.processes.count} processes")
    restart = simulation.config.restart_every
    if restart is not None:
        lines.append(f"a restart file every {format_duration(restart)}")
    return [*lines, *simulation.config.readings]


def _grid(simulation: Simulation) -> list[str]:
    fields = next(s.fields for s in simulation.all_streams if s.fields is not None)
    lines = list(fields.grid.description)
    if not fields.has_levels:
        return [*lines, "at the surface only"]
    count, total = len(fields.levels), len(fields.model_levels)
    top, bottom = fields.levels[0], fields.levels[-1]
    if fields.vertical == "sigma":
        return [*lines, f"{count} sigma levels, {top:.3g} to {bottom:.3g}"]
    lines.append(f"{count} of {total} levels, {top:g} to {bottom:g} hPa")
    if fields.extrapolated:
        levels = ", ".join(f"{level:g}" for level in fields.extrapolated)
        lines.append(
            f"{levels} hPa: above the highest level of the model, at about "
            f"{fields.top:.3g} hPa; extrapolated, possibly far off"
        )
    return lines


def _output(simulation: Simulation) -> list[str]:
    config, streams = simulation.config, simulation.all_streams
    size, count = total_size(streams)
    lines = [str(simulation.paths.output)]
    if isinstance(config, AmipConfig):
        means = " and ".join(config.means) or "no"
        lines.append(f"{means} means of samples every {format_duration(config.sample)}")
        if config.every is not None:
            every = format_duration(config.every)
            lines.append(f"instantaneous fields every {every}")
    elif streams[0].statistics:
        kept = "" if streams[0].keep_members else ", not the members themselves"
        names = ", ".join(streams[0].statistics)
        lines.append(f"{names} over all members{kept}")
    text = f"{format_size(size)}, about {format_size(size / _COMPRESSION)} compressed"
    files = "" if simulation.paths.is_exported else f", in about {count} files"
    lines.append(f"{text}{files}")
    if files and count > _MANY_FILES:
        lines.append(
            "which some disks do not take: write fewer variables or members, or divide "
            "the members or initial times among several outputs"
        )
    return lines

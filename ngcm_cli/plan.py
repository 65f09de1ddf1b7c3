"""What a run will do, checked: everything that can fail cheaply fails here."""

import dataclasses
import os
import pathlib
import textwrap
from typing import Any

import jax
import numpy as np

from ngcm_cli import origin
from ngcm_cli.config import ForecastConfig, Weather
from ngcm_cli.errors import ConfigError
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.gcm.fields import NET_WATER
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.initial_noise import with_noise
from ngcm_cli.gcm.members import member_key
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.rollout import Chunk
from ngcm_cli.inputs.sources.location import is_remote, matching_files
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress
from ngcm_cli.output.layout import Layout
from ngcm_cli.output.place import check_output, check_space, store_path
from ngcm_cli.provenance import device, provenance
from ngcm_cli.selection import chosen_grid, chosen_levels, chosen_variables
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.units import REFERENCE_TIME
from ngcm_cli.zoo import Card, open_model

_NOISE = 0x6E6F6973  # folded into a member's key: the noise has a stream of its own


@dataclasses.dataclass(frozen=True)
class Plan:
    """A forecast that has passed every check that does not need the model to run.

    Attributes:
        config: what was asked for.
        card: of the model.
        model: loaded, not compiled.
        initial: the atmosphere to start from, and the sea.
        output: where the forecast goes.
        layout: what it will hold.
    """

    config: ForecastConfig
    card: Card
    model: NeuralGCM
    initial: RunInputs
    output: pathlib.Path
    layout: Layout

    @property
    def steps_per_output(self) -> int:
        """Model steps between outputs."""
        return int(self.config.every // self.model.time_step)

    @property
    def forcing(self) -> Forcing:
        """The sea through the run."""
        sea = self.initial.surface_forcing
        if len(sea.times) == 1:
            return Forcing.constant(self.initial.forcing)
        return Forcing.at_times(sea.times, sea.fields, sea.sst_offset)

    def first_state(self, member: int | None = None) -> ModelState:
        """The state that the run, or a member, starts from."""
        initial, config = self.initial, self.config
        key = member_key(config.seed, member)
        state = self.model.encode(initial.fields, self.forcing, initial.time, key)
        if config.perturb == "none":
            return state
        noise = jax.random.fold_in(key, _NOISE)
        return with_noise(self.model, state, noise, config.perturb, config.amplitude)

    def lead_time(self, chunk: Chunk) -> np.timedelta64:
        """How far a chunk is from the initial time."""
        return (chunk.step * self.model.time_step).astype("timedelta64[s]")

    def valid_time(self, chunk: Chunk) -> np.datetime64:
        """The time that a chunk is a forecast for."""
        return self.layout.init + self.lead_time(chunk)

    def describe(self) -> str:
        """What will be done, for people."""
        layout, config, card = self.layout, self.config, self.card
        levels = layout.levels
        total = layout.bytes_per_lead * layout.count
        disk = f"about {format_size(total / 1.3)} compressed"
        if self.output.suffix == ".zarr":
            disk += f", in {(layout.count + 1) * len(layout.variables)} files"
        span = f"{format_duration(config.lead)} every {format_duration(config.every)}"
        sections = {
            "Model": (
                f"{card.name}, weights {card.weights.sha256[:12]}, {card.licence}",
                f"on {device()}, {_stream(config)}",
            ),
            "Data": (origin.words(config), *self.initial.analysis.notes),
            "Sea": (_sea(config), *self.initial.surface_forcing.notes),
            "Forecast": (
                f"{format_time(layout.init)} to "
                f"{format_time(layout.init + config.lead)}, {span}: "
                f"{layout.count} lead times",
            ),
            "Variables": textwrap.wrap(", ".join(layout.variables), 68),
            "Grid": (
                *layout.grid.words,
                f"{len(levels)} of {len(layout.model_levels)} levels, "
                f"{levels[0]:g} to {levels[-1]:g} hPa"
                if layout.has_levels
                else "at the surface only",
            ),
            "Output": (
                str(self.output),
                f"{format_size(layout.bytes_per_lead)} per lead time, "
                f"{format_size(total)} in all; {disk}",
            ),
        }
        return "\n".join(
            f"{'' if i else heading:<10} {line}"
            for heading, lines in sections.items()
            for i, line in enumerate(lines)
        )


def plan_forecast(config: ForecastConfig, download: ByteProgress = no_progress) -> Plan:
    """Check everything that can be checked before the model runs.

    Args:
        config: what is asked for.
        download: sees how weights that are not here yet are getting on.
    """
    if config.output is not None:
        check_paths(config, config.output)
        check_output(config.output, config.overwrite)
    plan = plan_run(config, download)
    if config.output is None:
        check_paths(config, plan.output)
        check_output(plan.output, config.overwrite)
    check_space(plan.output, plan.layout.bytes_per_lead * plan.layout.count)
    return plan


def plan_run(
    config: ForecastConfig,
    download: ByteProgress = no_progress,
    loaded: tuple[Card, NeuralGCM] | None = None,
) -> Plan:
    """Check everything but the place of the output, and read the initial state.

    Args:
        config: what is asked for.
        download: sees how weights that are not here yet are getting on.
        loaded: the model, if it is in memory already.
    """
    origin.check_local_paths(config)  # a wrong path is said before a download
    card, model = loaded or open_model(
        config.model, offline=config.offline, progress=download
    )
    _check_every(config, model)
    if config.member is not None:
        check_members_differ(config, model)
    if config.init is not None:
        check_init(config, model, config.init)
    predicted = tuple(dict.fromkeys((*model.output_variables, *NET_WATER)))
    variables = chosen_variables(config, model, predicted, model.default_outputs)
    if set(variables) & set(NET_WATER):
        model = model.tracking_water()
    levels = chosen_levels(config, model, variables)
    initial = origin.read_inputs(config, model, download)
    init = initial.time.astype("datetime64[s]")
    check_init(config, model, init)
    layout = Layout(
        init=init,
        every=config.every,
        count=int(config.lead // config.every) + 1,
        variables=variables,
        levels=levels,
        model_levels=model.levels,
        grid=chosen_grid(config, model),
        attributes=_provenance(config, card, initial),
    )
    output = config.output or pathlib.Path(f"{card.name}_{format_time(init)}.zarr")
    return Plan(config, card, model, initial, output, layout)


def check_members_differ(config: Weather, model: NeuralGCM) -> None:
    """Raise if all members would be the same."""
    if config.perturb == "none" and not model.stochastic:
        raise ConfigError(
            f"All members of {model.name} are the same: it is deterministic.",
            "Perturb the initial state, as with --perturb gaussian --amplitude 0.5K.",
        )


def check_paths(config: ForecastConfig, output: pathlib.Path) -> None:
    """Raise if an output would write over the data of its run."""
    for named, source in (
        (origin.path(config), origin.words(config)),
        (config.sst_data, config.sst_data),
    ):
        for data in [] if named is None or is_remote(named) else matching_files(named):
            for written in (output, store_path(output)):
                place, there = written.resolve(), pathlib.Path(data).resolve()
                if _holds(there, place) or _holds(place, there):
                    raise ConfigError(
                        f"The output {output} would write over the data, {source}.",
                        "Choose another --output.",
                    )


def _holds(outer: pathlib.Path, inner: pathlib.Path) -> bool:
    """Whether one is the other or lies in it, by whatever name."""
    return any(
        path == outer
        or (
            os.path.exists(path)
            and os.path.exists(outer)
            and os.path.samefile(path, outer)
        )
        for path in (inner, *inner.parents)
    )


def _check_every(config: ForecastConfig, model: NeuralGCM) -> None:
    """Outputs fall on whole model steps."""
    if config.every % model.time_step:
        step = format_duration(model.time_step)
        raise ConfigError(
            f"every {format_duration(config.every)} is not a multiple of the step of "
            f"{model.name}, {step}.",
            f"Give a multiple of {step}.",
        )


def check_init(config: ForecastConfig, model: NeuralGCM, init: np.datetime64) -> None:
    """Raise unless the initial time falls on a whole model step."""
    step = model.time_step
    beyond = (init - REFERENCE_TIME) % step
    if not beyond:
        return
    nearest = format_time(init - beyond + (step if 2 * beyond >= step else 0 * step))
    asked = config.init is not None
    raise ConfigError(
        f"{'init' if asked else 'The time of the data,'} {format_time(init)}"
        f"{'' if asked else ','} is not a whole number of steps of {model.name}, "
        f"{format_duration(step)}, from {format_time(REFERENCE_TIME)}.",
        f"The nearest time that is: {nearest}."
        if asked
        else f"Give data for the nearest time that is, {nearest}.",
    )


def _provenance(
    config: ForecastConfig, card: Card, initial: RunInputs
) -> dict[str, Any]:
    """Global attributes that say where a forecast comes from."""
    title = f"Forecast by {card.name} from {format_time(initial.time)}"
    attributes = {
        **provenance(
            config, card, title, origin.command(config), initial.analysis.notes
        ),
        "data_source": origin.words(config),
        "sst_source": origin.sea_words(config),
        "sst": config.sst,
    }
    if initial.surface_forcing.notes:
        attributes["sst_notes"] = "\n".join(initial.surface_forcing.notes)
    return attributes


def _stream(config: ForecastConfig) -> str:
    """Which of all possible runs it is, in words."""
    member = "" if config.member is None else f", member {config.member}"
    noise = f", initial state perturbed by {config.perturb} noise of " + (
        f"{config.amplitude:g} K"
    )
    return f"seed {config.seed}{member}{noise if config.perturb != 'none' else ''}"


def _sea(config: ForecastConfig) -> str:
    warmer = f", {config.sst_offset:+g} K" if config.sst_offset else ""
    return f"{config.sst}{warmer}, from {origin.sea_words(config)}"

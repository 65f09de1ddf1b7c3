"""What a long run will do, checked: everything that can fail cheaply fails here."""

import dataclasses
import functools
import pathlib
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcm_cli.climate import beginnings
from ngcm_cli.climate.sea_windows import SeaWindows
from ngcm_cli.config import AmipConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.fields import ATMOSPHERE, RATES, SURFACE
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress
from ngcm_cli.origin import check_local_paths, command
from ngcm_cli.output.climate import Climate
from ngcm_cli.output.place import check_folder, check_free
from ngcm_cli.output.records import Records
from ngcm_cli.output.restart import RESTARTS, restarts
from ngcm_cli.provenance import device, provenance
from ngcm_cli.selection import chosen_grid, chosen_levels, chosen_variables
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.units import REFERENCE_TIME
from ngcm_cli.zoo import Card, open_model

DAY = np.timedelta64(86400, "s")


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of several side by side.

    Attributes:
        number: from 0, through all starts.
        start: which start, from 0.
        member: which of the runs from it, from 0.
    """

    number: int
    start: int
    member: int


@dataclasses.dataclass(frozen=True, eq=False)
class ClimatePlan:
    """A long run that has passed every check that does not need the model to run.

    Attributes:
        config: what was asked for.
        card: of the model.
        model: loaded, not compiled.
        sea: from the first start to the last end.
        folder: where everything goes.
        climates: what is written, for every start.
        notes: conversions and substitutions made in the atmospheres; of a run that goes
            on none.
    """

    config: AmipConfig
    card: Card
    model: NeuralGCM
    sea: SurfaceForcing
    folder: pathlib.Path
    climates: tuple[Climate, ...]
    notes: tuple[str, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All that run side by side, member by member and start by start."""
        members = self.config.members
        count = members * len(self.climates)
        return tuple(Run(n, *divmod(n, members)) for n in range(count))

    @property
    def variables(self) -> tuple[str, ...]:
        """That are written."""
        return self.climates[0].variables

    @property
    def samples(self) -> int:
        """Instants a day that means are made of."""
        return int(DAY // self.config.sample)

    @property
    def steps(self) -> int:
        """Model steps between two of them."""
        return int(self.config.sample // self.model.time_step)

    @property
    def restart_days(self) -> int:
        """Days between two restarts."""
        return int(self.config.restart_every // DAY)

    def days(self, start: int) -> int:
        """Length of the runs from a start."""
        climate = self.climates[start]
        return int((climate.end - climate.start) // DAY)

    @property
    def length(self) -> int:
        """Days until the last run ends."""
        return max(self.days(start) for start in range(len(self.climates)))

    def time(self, start: int, day: int) -> np.datetime64:
        """The time when so many days of the runs from a start are done."""
        return self.climates[start].start + day * DAY

    def is_new_month(self, start: int, day: int) -> bool:
        """Whether a calendar month begins when so many days are done."""
        time = self.time(start, day)
        return bool(time == time.astype("datetime64[M]"))

    def is_instant(self, day: int, sample: int) -> bool:
        """Whether fields are written at a sample of a day."""
        every = self.config.every
        return (
            every is not None and not (day * DAY + sample * self.config.sample) % every
        )

    def forcing(self, day: int) -> Forcing:
        """The sea of the calendar years that a day of the runs is in."""
        return self._windows.forcing(day)

    @functools.cached_property
    def _windows(self) -> SeaWindows:
        first, last = self.climates[0].start, self.climates[-1].start
        return SeaWindows(self.sea, first, last, self.length)

    def stores(self, start: int) -> dict[str, Records]:
        """What will be in the folder for a start, by path."""
        climate, config = self.climates[start], self.config
        within = self.place(start)
        stores = {f"{within}global.zarr": climate.global_means()}
        for kind in config.means:
            stores[f"{within}{kind}.zarr"] = climate.means(kind)
            stores[f"{within}{kind}_zonal.zarr"] = climate.zonal(kind)
        if config.every is not None:
            stores[f"{within}instants.zarr"] = climate.instants(config.every)
        return stores

    def place(self, start: int) -> str:
        """Folder of a start within that of the run, with its slash; or nothing."""
        if len(self.climates) == 1:
            return ""
        return f"starts/{format_time(self.climates[start].start)}/"

    @property
    def size(self) -> int:
        """Bytes of everything that is written, without compression."""
        return sum(
            4 * int(np.prod(records.shape(name)))
            for start in range(len(self.climates))
            for records in self.stores(start).values()
            for name in records.fields
        )

    def describe(self) -> str:
        """What will be done, for people."""
        config, card, first = self.config, self.card, self.climates[0]
        runs, levels = len(self.runs), first.levels
        starts = f"{format_time(first.start)} to {format_time(first.end)}"
        if len(self.climates) > 1:
            every = format_duration(config.start_every)
            starts += f", and {_count(len(self.climates) - 1, 'more start')} every "
            starts += every
        sample = format_duration(config.sample)
        held = "held" if config.fix_mean_pressure else "free to drift"
        means = " and ".join(config.means) or "no"
        instants = ""
        if config.every is not None:
            instants = f"; instants every {format_duration(config.every)}"
        sections: Mapping[str, tuple[str, ...] | list[str]] = {
            "Model": (
                f"{card.name}, weights {card.weights.sha256[:12]}, {card.licence}",
                f"on {device()}, seed {config.seed}; mean surface pressure {held}",
            ),
            "Data": (beginnings.data_words(config), *self.notes),
            "Sea": (beginnings.sea_words(config), *self.sea.notes),
            "Runs": (
                f"{starts}: {_count(runs, 'run')} of {_count(self.length, 'day')}",
            ),
            "Output": (
                f"{self.folder}: {means} means of instants every {sample}{instants}",
                f"about {format_size(self.size / 1.3)}; a restart every "
                f"{format_duration(config.restart_every)}",
            ),
            "Variables": textwrap.wrap(", ".join(self.variables), 68),
            "Grid": (
                *first.grid.words,
                f"{len(levels)} of {len(first.model_levels)} levels"
                if levels
                else "at the surface only",
            ),
        }
        return "\n".join(
            f"{'' if i else heading:<10} {line}"
            for heading, lines in sections.items()
            for i, line in enumerate(lines)
        )


def plan_climate(
    config: AmipConfig, progress: ByteProgress = no_progress, resume: bool = False
) -> tuple[ClimatePlan, list[Analysis]]:
    """Check everything that can be checked before the model runs.

    Args:
        config: what is asked for.
        progress: sees how far downloads are.
        resume: the folder is there; if it has a restart, nothing to begin with is read.

    Returns:
        The plan, and the atmosphere of every start; none if there is a restart.
    """
    goes_on = False
    if resume:
        assert config.output is not None
        goes_on = bool(restarts(config.output / RESTARTS))
    elif config.output is not None:
        check_folder(config.output)
    check_local_paths(config)
    card, model = open_model(config.model, offline=config.offline, progress=progress)
    _check_steps(config, model)
    variables = _variables(config, model)
    if set(variables) & set(RATES):
        model = model.tracking_water()
    if config.fix_mean_pressure:
        model = model.holding_mean_pressure()
    levels = chosen_levels(config, model, variables)
    sea = beginnings.read_sea(config, model, progress)
    states = [] if goes_on else beginnings.read_beginnings(config, model, progress)
    folder = config.output
    if folder is None:
        folder = pathlib.Path(f"{card.name}_amip_{format_time(config.start)}")
        check_folder(folder)
    notes = tuple(dict.fromkeys(note for state in states for note in state.notes))
    climates = tuple(
        Climate(
            start=start,
            end=config.end_of(start),
            sample=config.sample,
            variables=variables,
            levels=levels,
            model_levels=model.levels,
            sigma=model.encoder.levels.centers,
            grid=chosen_grid(config, model),
            fluxes=RATES,
            realizations=tuple(range(i * config.members, (i + 1) * config.members)),
            attributes=_attributes(
                config, card, start, sea, states[i].notes if states else ()
            ),
        )
        for i, start in enumerate(config.start_times)
    )
    plan = ClimatePlan(config, card, model, sea, folder, climates, notes)
    if not resume:
        check_free(folder, plan.size / 3, "The run")
    return plan, states


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _check_steps(config: AmipConfig, model: NeuralGCM) -> None:
    """Samples and starts fall on whole model steps."""
    step = model.time_step
    for name, span in (
        ("sample", config.sample),
        ("start", config.start - REFERENCE_TIME),
    ):
        if span % step:
            raise ConfigError(
                f"{name} is not on a whole step of {model.name}, "
                f"{format_duration(step)}.",
                f"Give a multiple of {format_duration(step)}.",
            )


def _variables(config: AmipConfig, model: NeuralGCM) -> tuple[str, ...]:
    """Everything that has a mean: fields at an instant, and rates of fluxes."""
    known = model.tracking_water().output_variables
    rates = tuple(name for name in RATES if name in known)
    means = (*ATMOSPHERE, *SURFACE, *rates)
    return chosen_variables(config, model, means, means, " as something to average")


def _attributes(
    config: AmipConfig,
    card: Card,
    start: np.datetime64,
    sea: SurfaceForcing,
    notes: tuple[str, ...],
) -> dict[str, Any]:
    """Global attributes that say where a run comes from."""
    title = f"AMIP-style run of {card.name} from {format_time(start)}"
    attributes = {
        **provenance(config, card, title, command(config), notes),
        "data_source": beginnings.data_words(config),
        "sst_source": beginnings.sea_words(config),
        "mean_surface_pressure": "held" if config.fix_mean_pressure else "free",
        "sst": "climatology" if config.sst_climatology else "prescribed",
        "sst_offset": config.sst_offset,
    }
    if config.sst_patch is not None:
        attributes["sst_patch"] = ",".join(f"{x:g}" for x in config.sst_patch)
    if sea.notes:
        attributes["sst_notes"] = "\n".join(sea.notes)
    return attributes

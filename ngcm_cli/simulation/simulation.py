"""A run that has passed every check: model, initial states, forcing, schedule, outputs.

A forecast is an ensemble of one, and a long run a forecast with other outputs: all that
tells them apart are the values of a `Simulation`.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ngcm_cli.checkpoint.card import Card
from ngcm_cli.config import ForecastSettings, RunConfig
from ngcm_cli.config.noise import AmplitudeProfile
from ngcm_cli.diagnostics.evaluation import Levels
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.initial_perturbation import perturb_initial_state
from ngcm_cli.gcm.interface import Model
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.singular_perturbation import perturb_along_vectors
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.output.run_paths import RunPaths
from ngcm_cli.output.streams import Stream
from ngcm_cli.simulation.batch import BatchedModel, Devices
from ngcm_cli.simulation.distributed import Processes
from ngcm_cli.simulation.forcing_windows import RunForcing
from ngcm_cli.simulation.schedule import Schedule
from ngcm_cli.simulation.task import Block, Task, blocks_of

_PERTURBATION = 0x6E6F6973  # folded into a member's key: an independent stream


@dataclasses.dataclass(frozen=True, eq=False)
class Simulation:
    """A run that has passed every check that does not need the model to run.

    Attributes:
        config: the settings.
        card: of the model; None of an idealized case.
        model: loaded, not compiled.
        paths: where the run writes.
        schedules: one for each initial time, ascending.
        streams: one tuple for each initial time; a stream may belong to several.
        members: numbers of the members from every initial time, in the order of the
            output; a member is computed in the block of its number.
        keys: for each initial time and member, the number folded into its random key;
            None is the key of the seed itself.
        complete: members that an existing output has already.
        variables: names of what is written.
        levels: ``pressure`` or ``model``.
        batch: members that are computed together.
        devices: that share them.
        processes: that share the tasks.
        analysis: returns the initial atmosphere of an initial time, by its index.
        forcing: returns the forcing of an initial time, by its index.
        notes: conversions and substitutions made in the input data, by subject.
        identity: what a resumed run must have in common with this one.
        failed: members among these that became unstable, when and why.
        vectors: singular vectors along which initial states are perturbed, if any.
        is_resumed: whether the output exists, and waits for what is missing.
        is_extended: whether members are added to an existing output.
        about: what an idealized case is, for the summary: lines by heading.
    """

    config: RunConfig
    card: Card | None
    model: Model
    paths: RunPaths
    schedules: tuple[Schedule, ...]
    streams: tuple[tuple[Stream, ...], ...]
    members: tuple[int, ...]
    keys: Callable[[int, int], int | None]
    variables: tuple[str, ...]
    levels: Levels
    batch: int
    devices: Devices
    processes: Processes
    analysis: Callable[[int], Analysis]
    forcing: Callable[[int], RunForcing]
    notes: Mapping[str, Sequence[str]]
    identity: Mapping[str, Any]
    complete: frozenset[int] = frozenset()
    failed: tuple[dict[str, Any], ...] = ()
    vectors: Mapping[str, np.ndarray] | None = None
    is_resumed: bool = False
    is_extended: bool = False
    about: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def batched(self) -> BatchedModel:
        """The model applied to the members of a block."""
        return BatchedModel(self.model, self.devices)

    @property
    def sigma(self) -> np.ndarray:
        """Centres of the model's sigma levels, top first."""
        return np.asarray(self.model.sigma_levels.centers)

    @property
    def all_streams(self) -> tuple[Stream, ...]:
        """Every stream once."""
        return tuple(dict.fromkeys(s for streams in self.streams for s in streams))

    @property
    def has_statistics(self) -> bool:
        """Whether statistics over members are written."""
        return any(stream.statistics for stream in self.all_streams)

    @property
    def keeps_members(self) -> bool:
        """Whether the members themselves are written."""
        return all(stream.keep_members for stream in self.all_streams)

    def blocks(self) -> list[Block]:
        """Return the blocks in which the members lie, but for those complete before."""
        return blocks_of(self.members, self.batch, self.complete)

    def tasks(self) -> list[Task]:
        """Return all tasks of the run, initial time by initial time."""
        blocks = self.blocks()
        return [Task(i, block) for i in range(len(self.schedules)) for block in blocks]

    def own_tasks(self) -> list[Task]:
        """Return the tasks of this process."""
        return self.tasks()[self.processes.index :: self.processes.count]

    def initial_state(self, init: int, member: int) -> Any:
        """Return the state that a member starts from."""
        config, schedule = self.config, self.schedules[init]
        key = member_key(config.seed, self.keys(init, member))
        forcing = self.forcing(init).at(schedule.init)
        fields = self.analysis(init).fields
        state = self.model.encode(fields, forcing, schedule.init, key)
        if not isinstance(config, ForecastSettings) or config.perturb == "none":
            return state
        if not isinstance(self.model, NeuralGCM):
            raise ConfigError(
                f"{self.model.name} has no perturbation of initial states.",
                "Leave out --perturb.",
            )
        stream = jax.random.fold_in(key, _PERTURBATION)
        amplitude = config.amplitude
        if self.vectors is not None:
            assert isinstance(amplitude, float)
            return perturb_along_vectors(
                self.model, state, stream, self.vectors, amplitude
            )
        if isinstance(amplitude, AmplitudeProfile):
            amplitude = amplitude.at(1000 * self.sigma)
        return perturb_initial_state(
            self.model,
            state,
            stream,
            config.perturb,
            amplitude,
            config.pressure_amplitude,
        )

    def steps(self, span: np.timedelta64) -> int:
        """Return the number of model steps in a span of time."""
        return int(span // self.model.time_step)


def member_key(seed: int, member: int | None = None) -> PRNGKeyArray:
    """Return the random key from which all randomness of a run follows.

    Args:
        seed: of the run.
        member: number of the member: ``fold_in(key(seed), member)``; None is
            ``key(seed)``.
    """
    key = jax.random.key(seed)
    return key if member is None else jax.random.fold_in(key, member)

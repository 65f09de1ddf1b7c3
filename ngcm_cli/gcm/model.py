"""The neural general circulation model: encode, advance, decode."""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ngcm_cli import units
from ngcm_cli.arrays import on_device
from ngcm_cli.dynamics import Dycore, SigmaLevels
from ngcm_cli.gcm.decoder import Decoder
from ngcm_cli.gcm.decoding import (
    decode_atmosphere,
    decode_outputs,
    decode_surface,
    mean_water_fluxes,
)
from ngcm_cli.gcm.encoder import Encoder
from ngcm_cli.gcm.fields import (
    ATMOSPHERE,
    FORCING,
    NET_WATER,
    PRECIPITATION,
    SURFACE,
    from_si,
    to_si,
)
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.integration import integrate, minutes
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.output_heads import OutputHead, Sea
from ngcm_cli.gcm.programs import output_jit
from ngcm_cli.gcm.step import Step
from ngcm_cli.gcm.surface_outputs import water_fields
from ngcm_cli.physics.random_fields import RandomFields
from ngcm_cli.physics.water_budget import WaterBudget
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

Fields = Mapping[str, ArrayLike]
_NO_WATER = "the state is from a model that does not track water"


class NeuralGCM(eqx.Module):
    """A dynamical core with learned physics, after Kochkov et al. (2024).

    Fields outside are in SI units under ERA5 names, shape (level, longitude, latitude)
    on ``grid`` and ``levels``; surface fields have one level. Maps over ensemble
    members with ``jax.vmap`` over keys or states.

    Example:
        >>> import jax, ngcm_cli
        >>> model = ngcm_cli.load_model("tl63_stochastic_mini")
        >>> data, key = ngcm_cli.bundled_state(model), jax.random.key(0)
        >>> state = model.encode(data.fields, data.forcing, data.time, key)
        >>> state = model.advance(state, data.forcing, steps=6)
        >>> model.decode(state)["temperature"].shape
        (37, 128, 64)

    Attributes:
        name: of the model's card.
        encoder: data to state.
        memory_encoder: data to the state before the first step, for models with memory.
        encoder_noise: random fields seen by the encoder; None where it sees none.
        step: one model step.
        decoder: state to data.
        step_seconds: length of a model step.
        outputs: further surface variables, by name; none in published models.
    """

    name: str = eqx.field(static=True)
    encoder: Encoder
    memory_encoder: Encoder | None
    encoder_noise: RandomFields | None
    step: Step
    decoder: Decoder
    step_seconds: int = eqx.field(static=True)
    outputs: dict[str, OutputHead] = eqx.field(default_factory=dict)

    @property
    def harmonics(self) -> SphericalHarmonics:
        """Transforms between the grid of the data and modal fields of the model."""
        return self.encoder.harmonics

    @property
    def dycore(self) -> Dycore:
        """Dynamical core."""
        return self.step.dycore

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Vertical levels of the state."""
        return self.encoder.levels

    @property
    def grid(self) -> Grid:
        """Horizontal grid of the data and of the state."""
        return self.encoder.harmonics.grid

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels of the data, hPa, top first."""
        return self.encoder.pressure_levels

    @property
    def time_step(self) -> np.timedelta64:
        """Length of one ``advance``."""
        return np.timedelta64(self.step_seconds, "s")

    @property
    def substep_minutes(self) -> int:
        """Minutes between two evaluations of the physics."""
        return self.step_seconds // self.step.substeps // 60

    @property
    def stochastic(self) -> bool:
        """Whether runs with different keys differ."""
        return self.step.random_fields is not None

    @property
    def land_fraction(self) -> np.ndarray:
        """Share of each cell that is land, (longitude, latitude)."""
        return np.asarray(self.step.parameterization.surface.land_fraction)[0]

    @property
    def input_variables(self) -> tuple[str, ...]:
        """Fields on pressure levels that ``encode`` needs."""
        return ATMOSPHERE

    @property
    def forcing_variables(self) -> tuple[str, ...]:
        """Surface fields that ``encode`` and ``advance`` need."""
        return FORCING

    @property
    def output_variables(self) -> tuple[str, ...]:
        """Fields that ``decode`` can return: those on levels, then the surface's."""
        water = () if self.step.water_budget is None else NET_WATER
        own = PRECIPITATION if self.predicts_precipitation else ()
        return (*ATMOSPHERE, *SURFACE, *water, *own, *self.outputs)

    @property
    def predicts_precipitation(self) -> bool:
        """Whether it has learned precipitation or evaporation, and so knows both."""
        budget = self.step.water_budget
        return budget is not None and budget.network is not None

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """Fields that ``decode`` returns when it is not told which."""
        published = "precipitation_cumulative_mean", "evaporation"
        water = published if self.predicts_precipitation else ()
        return (*ATMOSPHERE, *water, *self.outputs)

    def substeps_since_reference(self, time: np.datetime64) -> int:
        """Return the model's clock at a time, in whole physics substeps.

        Raises:
            ValueError: the time is not a whole number of substeps after 1979-01-01T00.
        """
        substep = np.timedelta64(60 * self.substep_minutes, "s")
        count, rest = divmod(time - units.REFERENCE_TIME, substep)
        if rest:
            raise ValueError(f"{time} is not a whole number of steps of {substep}")
        return int(count)

    def encode(
        self,
        fields: Fields,
        forcing: Fields | Forcing,
        time: np.datetime64,
        key: PRNGKeyArray | None = None,
    ) -> ModelState:
        """Return the state of the model that corresponds to data at one time.

        Args:
            fields: ``input_variables``, each (level, longitude, latitude), SI units.
            forcing: as for ``advance``. Needed here by models that track the water at
                the surface; the others ignore it.
            time: UTC, a whole number of model steps after 1979-01-01T00.
            key: ``jax.random.key(seed)`` of the random fields; for stochastic models.

        Raises:
            ValueError: no key for a stochastic model, or a time between steps.
        """
        if key is None:
            if self.stochastic:
                raise ValueError(f"{self.name} is stochastic: encode needs a key")
            key = jax.random.key(0)
        inputs = {name: on_device(fields[name]) for name in self.input_variables}
        surface = None
        if self.step.water_budget is not None:
            # One program for the initial state and for what it is nudged to.
            surface = dataclasses.replace(self._forcing(forcing), nudging=None)
        clock = on_device(np.int32(self.substeps_since_reference(time)))
        now = units.since_reference(time)
        return self.encode_at(inputs, surface, clock, on_device(now), key)

    @output_jit
    def encode_at(
        self,
        fields: dict[str, jax.Array],
        forcing: Forcing | None,
        clock: Int[Array, ""],
        time: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> ModelState:
        """Return what ``encode`` does, at a time that is an argument of the program.

        The time is given twice: ``clock`` in whole physics substeps, as
        ``substeps_since_reference`` counts, and ``time`` as ``units.since_reference``
        has it. The forcing may be None for a model that does not track water.
        """
        data = from_si(fields)
        key, first = jax.random.split(key)
        key, second = jax.random.split(key)
        third = jax.random.split(key)[1]

        noise, memory, random_key = {}, None, second
        if self.encoder_noise is not None:
            noise = self.encoder_noise.nodal(self.encoder_noise.sample(first))
        if self.memory_encoder is not None:
            memory = self.memory_encoder(data, noise, time)
            random_key = third  # each of the two encoders has used up a key
        state = ModelState(
            state=self.encoder(data, noise, time),
            memory=memory,
            random=self.step.first_random(random_key),
            water=None,
            substep=clock,
            time=time,
        )
        if forcing is None:
            return state
        now = forcing.select(minutes(clock, self.substep_minutes))
        return dataclasses.replace(state, water=self.step.first_water(state, now))

    def advance(
        self, state: ModelState, forcing: Fields | Forcing, steps: int = 1
    ) -> ModelState:
        """Return the state ``steps`` model steps later.

        Differentiable, forward and reverse, in the state, the forcing and the arrays of
        the model: under ``jax.grad`` and its like, with a Python integer for ``steps``,
        memory grows like the square root of their number (`gcm.repeat`). Runs use a
        loop that compiles once for all numbers of steps; within ``jax.jit`` that takes
        a traced ``steps``. The two may differ in the last bit.

        Args:
            state: from ``encode`` or ``advance``.
            forcing: sea-surface temperature [K] and sea-ice cover [0 … 1], finite also
                over land, each (1, longitude, latitude) and held constant; or a
                ``Forcing``, from which every step selects by its time.
            steps: number of steps, zero or more.
        """
        forcing = self._forcing(forcing)
        return integrate(self.step, state, forcing, steps, self.substep_minutes)

    def decode(
        self,
        state: ModelState,
        variables: tuple[str, ...] | None = None,
        forcing: Fields | Forcing | None = None,
    ) -> dict[str, jax.Array]:
        """Return fields by name, (level, longitude, latitude), in SI units.

        Args:
            state: from ``encode`` or ``advance``.
            variables: names among ``output_variables``; by default ``default_outputs``.
            forcing: as for ``advance``; needed by outputs that see the sea.

        Raises:
            ValueError: a name that is not among ``output_variables``, fluxes of water
                from a state without them, no forcing for an output that sees the sea.
        """
        names = self.default_outputs if variables is None else variables
        for name in names:
            if name not in self.output_variables:
                raise ValueError(f"{self.name} does not predict '{name}'")
        fields = {}
        if any(name in ATMOSPHERE for name in names):
            fields |= decode_atmosphere(self.decoder, state)
        if any(name in SURFACE for name in names):
            fields |= decode_surface(self.harmonics, self.step.dycore, state)
        if any(name in (*NET_WATER, *PRECIPITATION) for name in names):
            if state.water is None:
                raise ValueError(_NO_WATER)
            fields |= to_si(water_fields(state.water))
        if any(name in self.outputs for name in names):
            sea = None if forcing is None else self.sea_at(state, forcing)
            fields |= decode_outputs(self.outputs, names, state, sea)
        return {name: fields[name] for name in names}

    def sea_at(self, state: ModelState, forcing: Fields | Forcing) -> Sea:
        """Return ``forcing_variables`` at the time of a state, (1, lon, lat) each."""
        now = minutes(state.substep, self.substep_minutes)
        return self._forcing(forcing).select(now)

    def mean_fluxes(self, state: ModelState, steps: int) -> dict[str, jax.Array]:
        """Return means of the fluxes of water in the last steps, in SI units.

        Args:
            state: of a model that tracks water, ``steps`` model steps, one or more,
                after it was encoded or after ``ModelState.reset_accumulations``.
            steps: how many; another number does not compile again.

        Returns:
            Those of ``gcm.fields.RATES`` that are known, each (1, longitude, latitude).

        Raises:
            ValueError: the state has no account of water, or of no time.
        """
        if state.water is None:
            raise ValueError(_NO_WATER)
        if steps < 1:
            raise ValueError(f"there is no mean over {steps} steps")
        duration = steps * self.step_seconds * units.SECOND
        return mean_water_fluxes(state.water, on_device(np.float32(duration)))

    def with_water_budget(self) -> "NeuralGCM":
        """Return this model with a budget of precipitation minus evaporation.

        Its states hold the fluxes of water at the surface, and ``decode`` gives those
        of ``gcm.fields.NET_WATER``. One that does so anyway is returned as it is.
        """
        if self.step.water_budget is not None:
            return self
        budget = WaterBudget(self.harmonics, self.sigma_levels, self.step.interval)
        step = dataclasses.replace(self.step, water_budget=budget)
        return dataclasses.replace(self, step=step)

    def with_fixed_mean_pressure(self) -> "NeuralGCM":
        """Return this model with the global mean of ln(surface pressure) held fixed.

        The published cure for the drift of long runs, ``FixGlobalMeanFilter``. Mass is
        conserved nearly: the mean of a logarithm is not the logarithm of the mean.
        """
        if self.step.holds_mean_pressure:
            return self
        step = dataclasses.replace(self.step, holds_mean_pressure=True)
        return dataclasses.replace(self, step=step)

    def _forcing(self, forcing: Fields | Forcing) -> Forcing:
        if isinstance(forcing, Forcing):
            return forcing
        return Forcing.constant({k: forcing[k] for k in self.forcing_variables})

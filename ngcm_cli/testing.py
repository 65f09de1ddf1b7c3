"""A tiny model and synthetic fields, to test what handles models without one.

`TinyModel` satisfies `gcm.interface.Model`: it adds one per step to every value, in
microseconds. `synthetic_fields` makes fields for it, or for any other grid and levels.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ngcm_cli.diagnostics import GLOBAL_MEANS
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.physics.random_fields import RandomState
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.units import REFERENCE_TIME

FIELDS = ("temperature", "u_component_of_wind", "v_component_of_wind")


class TinyModel(eqx.Module):
    """A model that adds one to every value in every step.

    The random key decides what `encode` adds first: its last word, modulo 1000, so that
    seeds and members differ. Winds and temperatures are those of the input. Surface
    pressure is 1000 hPa. A member whose temperature exceeds ``unstable_above``, in K,
    becomes NaN, as an unstable run does.

    Attributes:
        name: of the model.
        grid: horizontal grid.
        levels: pressure levels, hPa, top first.
        step_seconds: length of a step.
        unstable_above: temperature beyond which a member becomes NaN, K.
        stochastic: whether members with different keys differ.
    """

    name: str = eqx.field(static=True, default="tiny")
    grid: Grid = eqx.field(static=True, default=Grid.linear(3))
    levels: tuple[float, ...] = eqx.field(static=True, default=(200.0, 500.0, 850.0))
    step_seconds: int = eqx.field(static=True, default=3600)
    unstable_above: float = eqx.field(static=True, default=float("inf"))
    stochastic: bool = eqx.field(static=True, default=True)

    @property
    def time_step(self) -> np.timedelta64:
        """Length of a step."""
        return np.timedelta64(self.step_seconds, "s")

    @property
    def substep_minutes(self) -> int:
        """Length of a step in minutes."""
        return self.step_seconds // 60

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Sigma levels, as many as there are pressure levels."""
        return SigmaLevels(len(self.levels))

    @property
    def land_fraction(self) -> np.ndarray:
        """Land fraction: all sea, (longitude, latitude)."""
        return np.zeros(self.grid.nodal_shape, np.float32)

    @property
    def input_variables(self) -> tuple[str, ...]:
        """Fields on pressure levels that `encode` needs."""
        return FIELDS

    @property
    def forcing_variables(self) -> tuple[str, ...]:
        """Surface fields that `encode` and `advance` need."""
        return ("sea_ice_cover", "sea_surface_temperature")

    @property
    def output_variables(self) -> tuple[str, ...]:
        """Fields that `decode` can return."""
        return (*FIELDS, "surface_pressure", "P_minus_E_rate", "P_minus_E_cumulative")

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """Fields that `decode` returns when it is not told which."""
        return FIELDS

    def encode(
        self,
        fields: dict[str, np.ndarray],
        forcing: Forcing,
        time: np.datetime64,
        key: PRNGKeyArray,
    ) -> ModelState:
        """Return the state of fields, each (level, longitude, latitude)."""
        offset = jnp.float32(0)
        if self.stochastic:
            offset = (jax.random.key_data(key)[-1] % 1000).astype(jnp.float32)
        t, u, v = (jnp.asarray(fields[name]) + offset for name in FIELDS)
        steps = int((time - REFERENCE_TIME) // self.time_step)
        return ModelState(
            state=State(
                vorticity=u,
                divergence=v,
                temperature_variation=t,
                log_surface_pressure=jnp.full((1, *self.grid.nodal_shape), 1e5),
                tracers={},
            ),
            memory=None,
            random=RandomState(None, key, jnp.int32(0)),
            water=None,
            substep=jnp.int32(steps),
            time=jnp.float32(0),
        )

    def advance(self, state: ModelState, forcing: Forcing, steps) -> ModelState:
        """Return the state after some steps, with so much added to all fields.

        With nudging, which acts on the fields as they are, one step at a time.
        """
        nudging = getattr(forcing, "nudging", None)
        if nudging is None:
            return self._advance(state, steps)

        def one(_, state: ModelState) -> ModelState:
            after = self._advance(state, 1)
            minutes = after.substep * self.substep_minutes
            return dataclasses.replace(after, state=nudging(after.state, minutes))

        return jax.lax.fori_loop(0, steps, one, state)

    def _advance(self, state: ModelState, steps) -> ModelState:
        added = jnp.asarray(steps, jnp.float32)
        before = state.state
        t = before.temperature_variation + added
        t = jnp.where(t.max() > self.unstable_above, jnp.nan, t)
        after = dataclasses.replace(
            before,
            vorticity=before.vorticity + added,
            divergence=before.divergence + added,
            temperature_variation=t,
        )
        return dataclasses.replace(
            state, state=after, substep=state.substep + jnp.int32(steps)
        )

    def decode(
        self,
        state: ModelState,
        variables: tuple[str, ...] | None = None,
        forcing: object = None,
    ) -> dict[str, jax.Array]:
        """Return fields by name, each (level, longitude, latitude)."""
        inner = state.state
        surface = inner.log_surface_pressure
        fields = {
            "temperature": inner.temperature_variation,
            "u_component_of_wind": inner.vorticity,
            "v_component_of_wind": inner.divergence,
            "surface_pressure": surface,
            "P_minus_E_rate": surface * 0 + 1e-5,
            "P_minus_E_cumulative": surface * 0 + state.substep,
        }
        return {name: fields[name] for name in variables or self.default_outputs}

    def mean_fluxes(self, state: ModelState, steps: int) -> dict[str, jax.Array]:
        """Return the mean flux of water since the last sample."""
        return {"P_minus_E_rate": state.state.log_surface_pressure * 0 + 1e-5}

    def monitor(self, state: ModelState) -> dict[str, jax.Array]:
        """Return what `diagnostics.monitor` and `global_means` do of a real model."""
        temperature = state.state.temperature_variation
        wind = jnp.abs(state.state.vorticity)
        ones = jnp.ones(len(self.levels))
        numbers = {name: jnp.float32(1) for name in GLOBAL_MEANS}
        numbers |= {
            "finite": jnp.isfinite(temperature).all(),
            "temperature": temperature.mean((-2, -1)),
            "negative_humidity": 0 * ones,
            "min_temperature": 250.0 * ones + 0 * temperature.min((-2, -1)),
            "max_temperature": 300.0 * ones + 0 * temperature.max((-2, -1)),
            "max_wind": 50.0 * ones + 0 * wind.max((-2, -1)),
            "surface_pressure": jnp.float32(985e2),
            "min_surface_pressure": jnp.float32(600e2),
            "max_surface_pressure": jnp.float32(1030e2),
        }
        return numbers

    def with_water_budget(self) -> "TinyModel":
        """Return this model, which has its flux of water anyway."""
        return self

    def with_fixed_mean_pressure(self) -> "TinyModel":
        """Return this model, whose pressure is constant."""
        return self


def synthetic_fields(
    grid: Grid, levels: int, names: tuple[str, ...] = FIELDS
) -> dict[str, np.ndarray]:
    """Return fields of different values everywhere, each (level, longitude, latitude).

    Args:
        grid: horizontal grid.
        levels: number of levels.
        names: of the fields; their signs alternate.
    """
    shape = (levels, *grid.nodal_shape)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return {name: (-1) ** i * x for i, name in enumerate(names)}

"""The dry primitive equations with a prescribed forcing."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.diagnostics import DIAGNOSTICS, Diagnostic
from ngcm_cli.diagnostics.atmosphere import fields_on_sigma_levels
from ngcm_cli.diagnostics.global_means import area_mean, monitor_primitive_equations
from ngcm_cli.diagnostics.pressure_levels import to_pressure_levels
from ngcm_cli.dynamics import Dycore, SigmaLevels, State
from ngcm_cli.dynamics.orography import Orography
from ngcm_cli.dynamics.sil3 import take_step
from ngcm_cli.gcm.decoding import decode_surface
from ngcm_cli.gcm.fields import SURFACE
from ngcm_cli.idealized.budgets import budgets
from ngcm_cli.idealized.initial_fields import InitialFields
from ngcm_cli.idealized.model import IdealizedModel, IdealizedState
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

Forcing = Callable[[State], State]
"""Tendencies of a modal state, modal and per nondimensional time."""

_OUTPUTS = ("temperature", "geopotential", "u_component_of_wind", "v_component_of_wind")
_DEFAULT = (*_OUTPUTS, "surface_pressure")
_OTHERS = (
    *("mean_sea_level_pressure", "wind_speed", "vorticity", "divergence"),
    *("vertical_velocity", "potential_temperature", "lowest_level_temperature"),
    *("lowest_level_u_component_of_wind", "lowest_level_v_component_of_wind"),
)
PRESSURE_LEVELS = (
    *(10.0, 20.0, 30.0, 50.0, 70.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0),
    *(600.0, 700.0, 850.0, 925.0, 1000.0),
)
"""Pressure levels of output, hPa; by default those below the highest sigma level."""


class Diffusion(eqx.Module):
    """Horizontal diffusion of vorticity, divergence and temperature, implicit in time.

        x ← x / (1 + h ν (l(l + 1))ⁿ)

    with the time step h. Surface pressure is not diffused, so that mass is conserved
    and the pressure over mountains stays as it is.

    Attributes:
        factors: of each total wavenumber.
    """

    factors: Float[Array, " total_wavenumber"]

    @classmethod
    def of(cls, grid: Grid, coefficient: float, order: int, step: float) -> "Diffusion":
        """Return ν ∇^(2·order), nondimensional, for one time step."""
        l = np.arange(grid.total_wavenumbers, dtype=np.float64)
        factors = 1 / (1 + step * coefficient * (l * (l + 1)) ** order)
        return cls(jnp.asarray(factors.astype(np.float32)))

    @classmethod
    def of_time(cls, grid: Grid, time: float, order: int, step: float) -> "Diffusion":
        """Return the diffusion that damps the highest wavenumber within a time."""
        highest = grid.total_wavenumbers - 2  # the last is clipped
        coefficient = 1 / (time * (highest * (highest + 1.0)) ** order)
        return cls.of(grid, coefficient, order, step)

    def __call__(self, state: State) -> State:
        """Return the diffused state."""
        return State(
            vorticity=state.vorticity * self.factors,
            divergence=state.divergence * self.factors,
            temperature_variation=state.temperature_variation * self.factors,
            log_surface_pressure=state.log_surface_pressure,
            tracers=state.tracers,
        )


def with_mean_pressure(
    state: State, mean: Float[Array, ""], harmonics: SphericalHarmonics
) -> State:
    """Return a modal state with another mean surface pressure, and so another mass.

    The equations predict ln pₛ, of which a truncated series does not keep the mean of
    pₛ. A constant is added to ln pₛ, which changes no gradient.

    Args:
        state: modal state.
        mean: of surface pressure over the area, nondimensional.
        harmonics: transforms of its grid.
    """
    pressure = jnp.exp(harmonics.to_nodal(state.log_surface_pressure))
    ratio = mean / area_mean(pressure, harmonics.grid)[0]
    added = jnp.log(ratio) * np.float32(np.sqrt(4 * np.pi))  # Y₀₀ = 1/√(4π)
    log_pressure = state.log_surface_pressure.at[..., 0, 0].add(added)
    return dataclasses.replace(state, log_surface_pressure=log_pressure)


class PrimitiveEquations(IdealizedModel):
    """Dry primitive equations on sigma levels, forced by a function of the state.

    Attributes:
        name: of the case.
        dycore: equations and time integrator; a call of it is one time step.
        initial: modal state at the beginning.
        forcing: tendencies of a state, evaluated with the explicit ones; None for none.
        diffusion: applied after each step.
        mean_pressure: of the surface, nondimensional, which is held after each step.
        step_seconds: length of the time step.
        pressure_levels: that fields can be written on, hPa, top first.
    """

    name: str = eqx.field(static=True)
    dycore: Dycore
    initial: State
    forcing: Forcing | None
    diffusion: Diffusion
    mean_pressure: Float[Array, ""]
    step_seconds: int = eqx.field(static=True)
    pressure_levels: tuple[float, ...] = eqx.field(static=True)

    @property
    def harmonics(self) -> SphericalHarmonics:
        """Transforms between grid and modal fields."""
        return self.dycore.harmonics

    @property
    def grid(self) -> Grid:
        """Horizontal grid."""
        return self.harmonics.grid

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Sigma levels of the state."""
        levels = self.dycore.levels
        assert isinstance(levels, SigmaLevels)
        return levels

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels that fields can be written on, hPa, top first."""
        return self.pressure_levels

    def with_levels(self, levels: Sequence[float]) -> Self:
        """Return this model, whose fields can be written on these levels, too."""
        merged = tuple(sorted({*self.pressure_levels, *map(float, levels)}))
        return dataclasses.replace(self, pressure_levels=merged)

    @property
    def equations(self) -> str:
        """What is solved."""
        return "dry primitive equations"

    @property
    def diagnostics(self) -> Mapping[str, Diagnostic]:
        """Output variables: those that a state of dry air has."""
        known = {name: DIAGNOSTICS[name] for name in (*_DEFAULT, *_OTHERS)}
        return {**known, **budgets(self.forcing is not None)}

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """Temperature, geopotential, wind and surface pressure."""
        return _DEFAULT

    def step(self, state: State) -> State:
        """Return the modal state one time step later."""
        forcing = self.forcing or (lambda y: jax.tree.map(jnp.zeros_like, y))
        terms = self.dycore.terms(lambda y, args: forcing(y))
        after = take_step(self.dycore.solver, terms, self.dycore.step_size, state)
        after = self.diffusion(after)
        return with_mean_pressure(after, self.mean_pressure, self.harmonics)

    def decode(
        self,
        state: IdealizedState,
        variables: tuple[str, ...] | None = None,
        forcing: object = None,
    ) -> dict[str, jax.Array]:
        """Return fields on pressure levels or at the surface by name, SI units.

        On pressure levels they are interpolated linearly in pressure, as
        `diagnostics.pressure_levels` says.
        """
        names = self.default_outputs if variables is None else variables
        fields: dict[str, jax.Array] = {}
        if any(name in _OUTPUTS for name in names):
            fields |= _on_pressure_levels(self, state)
        if any(name in SURFACE for name in names):
            fields |= decode_surface(self.harmonics, self.dycore, state)
        return {name: fields[name] for name in names}

    def monitor(self, state: IdealizedState) -> dict[str, jax.Array]:
        """Return the numbers by which the stability of a run is monitored."""
        return monitor_primitive_equations(self.harmonics, self.dycore, state)


@eqx.filter_jit
def _on_pressure_levels(
    model: PrimitiveEquations, state: IdealizedState
) -> dict[str, jax.Array]:
    return to_pressure_levels(model, state, fields_on_sigma_levels(model, state))


def primitive_equations(
    name: str,
    step_seconds: int,
    initial: InitialFields,
    *,
    forcing: Forcing | None = None,
    diffusion: Diffusion | None = None,
    reference_temperature: float = 300.0,
) -> PrimitiveEquations:
    """Return the model of a case of the dry primitive equations.

    Args:
        name: of the case.
        step_seconds: length of the time step, whole minutes.
        initial: fields at the beginning; their grid and levels are those of the model.
        forcing: tendencies of a modal state; None for none.
        diffusion: horizontal diffusion; by default ∇⁸ that damps the highest wavenumber
            within 0.1 days, as Held and Suarez (1994) have it.
        reference_temperature: around which gravity waves are linearised, K.
    """
    grid, levels = initial.harmonics.grid, initial.levels
    step = step_seconds * units.SECOND
    top = round(1000 * float(levels.centers[0]), 3)  # hPa
    reference = (reference_temperature,) * levels.layers
    dycore = Dycore(
        initial.harmonics,
        levels,
        reference,
        Orography(initial.modal_height(), None, 0.0),
        np.ones((0, grid.total_wavenumbers)),  # the diffusion filters instead
        step,
        1,
    )
    if diffusion is None:
        diffusion = Diffusion.of_time(grid, 0.1 * units.DAY, 4, step)
    state = initial.state(reference_temperature)
    pressure = jnp.exp(initial.harmonics.to_nodal(state.log_surface_pressure))
    return PrimitiveEquations(
        name=name,
        dycore=dycore,
        initial=state,
        forcing=forcing,
        diffusion=diffusion,
        mean_pressure=area_mean(pressure, grid)[0],
        step_seconds=step_seconds,
        pressure_levels=tuple(p for p in PRESSURE_LEVELS if p >= top),
    )

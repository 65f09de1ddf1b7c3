"""A model without learned physics and without input data, for the run machinery."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ngcm_cli import units
from ngcm_cli.diagnostics import Diagnostic
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.spectral.grid import Grid


class IdealizedState(eqx.Module):
    """State of a model between two steps: the whole of it, for an exact restart.

    Attributes:
        state: prognostic variables, a pytree of arrays.
        substep: whole time steps since 1979-01-01T00; the clock.
    """

    state: Any
    substep: Int[Array, ""]

    def reset_accumulations(self) -> Self:
        """Return the state, which accumulates nothing."""
        return self


class IdealizedModel(eqx.Module):
    """A system of equations with one initial state; satisfies `gcm.interface.Model`.

    A subclass has the attributes and properties below and defines `step`, `decode` and
    `monitor`. Fields are in SI units, shape (level, longitude, latitude), with one
    level for fields that have no vertical.

    Attributes:
        name: of the case.
        step_seconds: length of the time step, whole minutes.
        initial: prognostic variables at the initial time, a pytree of arrays.
    """

    name: eqx.AbstractVar[str]
    step_seconds: eqx.AbstractVar[int]
    initial: eqx.AbstractVar[Any]

    @property
    @abc.abstractmethod
    def grid(self) -> Grid:
        """Horizontal grid."""

    @property
    @abc.abstractmethod
    def equations(self) -> str:
        """What is solved, for the summary of a run and the attributes of its files."""

    @property
    @abc.abstractmethod
    def diagnostics(self) -> Mapping[str, Diagnostic]:
        """Declarations of the output variables, by name."""

    @property
    @abc.abstractmethod
    def default_outputs(self) -> tuple[str, ...]:
        """Names of the fields that are written by default."""

    @abc.abstractmethod
    def step(self, state: Any) -> Any:
        """Return the prognostic variables one time step later."""

    @abc.abstractmethod
    def decode(
        self,
        state: IdealizedState,
        variables: tuple[str, ...] | None = None,
        forcing: object = None,
    ) -> dict[str, jax.Array]:
        """Return fields of a state by name."""

    @abc.abstractmethod
    def monitor(self, state: IdealizedState) -> dict[str, jax.Array]:
        """Return ``finite`` and others among what `diagnostics.monitor` returns."""

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Sigma levels of the state; a single one where there is no vertical."""
        return SigmaLevels(1)

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels that fields can be written on, hPa, top first."""
        return ()

    def with_levels(self, levels: Sequence[float]) -> Self:
        """Return this model, whose fields can be written on these levels, too.

        Args:
            levels: pressures in hPa; a model without a vertical is not asked.
        """
        return self

    @property
    def output_variables(self) -> tuple[str, ...]:
        """Names of the fields that can be written."""
        return tuple(self.diagnostics)

    @property
    def time_step(self) -> np.timedelta64:
        """Length of the time step."""
        return np.timedelta64(self.step_seconds, "s")

    @property
    def substep_minutes(self) -> int:
        """Length of the time step, minutes."""
        return self.step_seconds // 60

    @property
    def stochastic(self) -> bool:
        """Whether runs with different keys differ: they do not."""
        return False

    @property
    def land_fraction(self) -> np.ndarray:
        """Share of each cell that is land: none is."""
        return np.zeros(self.grid.nodal_shape, np.float32)

    @property
    def input_variables(self) -> tuple[str, ...]:
        """Fields that `encode` needs: none."""
        return ()

    @property
    def forcing_variables(self) -> tuple[str, ...]:
        """Surface fields that `encode` and `advance` need: none."""
        return ()

    def encode(
        self, fields: Any, forcing: Any, time: np.datetime64, key: Any = None
    ) -> IdealizedState:
        """Return the initial state of the case, with the clock at a time, UTC."""
        clock = int((time - units.REFERENCE_TIME) // self.time_step)
        return IdealizedState(self.initial, jnp.int32(clock))

    @eqx.filter_jit
    def advance(
        self, state: IdealizedState, forcing: Any = None, steps: Any = 1
    ) -> IdealizedState:
        """Return the state after a number of time steps, an integer or traced int32."""
        steps = jnp.asarray(steps, jnp.int32)
        after = jax.lax.fori_loop(0, steps, lambda _, x: self.step(x), state.state)
        return IdealizedState(after, state.substep + steps)

    def mean_fluxes(self, state: IdealizedState, steps: Any) -> dict[str, jax.Array]:
        """Return means of surface fluxes: there are none."""
        return {}

    def with_water_budget(self) -> Self:
        """Return this model, which has no water."""
        return self

    def with_fixed_mean_pressure(self) -> Self:
        """Return this model as it is."""
        return self

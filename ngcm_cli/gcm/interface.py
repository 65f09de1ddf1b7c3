"""What runs and diagnostics need of a model, as protocols."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import PRNGKeyArray

from ngcm_cli.dynamics import Dycore, SigmaLevels
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

State = TypeVar("State")
Fields = Mapping[str, ArrayLike]


class Model(Protocol[State]):
    """A global model of the atmosphere.

    A model is a pytree. Its methods are pure and may be called under ``jax.jit``,
    ``jax.vmap`` and ``jax.lax.map`` with the model as an argument, so that members of
    an ensemble share its arrays. States are pytrees of arrays; nothing else is asked of
    them. Fields are in SI units under ERA5 names, shape (level, longitude, latitude),
    with one level at the surface.
    """

    @property
    def name(self) -> str:
        """Name of the model's card."""
        ...

    @property
    def grid(self) -> Grid:
        """Horizontal grid of the data."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels of the data, hPa, top first."""
        ...

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Sigma levels of the state, on which a run is monitored."""
        ...

    @property
    def time_step(self) -> np.timedelta64:
        """Length of one step of ``advance``."""
        ...

    @property
    def substep_minutes(self) -> int:
        """Minutes between two evaluations of the physics."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether runs with different keys differ."""
        ...

    @property
    def land_fraction(self) -> np.ndarray:
        """Share of each cell that is land, 0 … 1, shape (longitude, latitude)."""
        ...

    @property
    def input_variables(self) -> tuple[str, ...]:
        """Names of the fields on pressure levels that ``encode`` needs."""
        ...

    @property
    def forcing_variables(self) -> tuple[str, ...]:
        """Names of the surface fields that ``encode`` and ``advance`` need."""
        ...

    @property
    def output_variables(self) -> tuple[str, ...]:
        """Names of the fields that ``decode`` can return."""
        ...

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """Names of the fields that ``decode`` returns by default."""
        ...

    def encode(
        self,
        fields: Fields,
        forcing: Fields | Forcing,
        time: np.datetime64,
        key: PRNGKeyArray | None = None,
    ) -> State:
        """Return the state that corresponds to data at one time, UTC."""
        ...

    def advance(self, state: State, forcing: Fields | Forcing, steps: Any = 1) -> State:
        """Return the state after a number of steps, an integer or a traced int32."""
        ...

    def decode(
        self,
        state: State,
        variables: tuple[str, ...] | None = None,
        forcing: Fields | Forcing | None = None,
    ) -> dict[str, jax.Array]:
        """Return fields of a state by name, those that need it with the forcing."""
        ...

    def mean_fluxes(self, state: State, steps: Any) -> dict[str, jax.Array]:
        """Return means of the surface fluxes since accumulations were last reset."""
        ...

    def with_water_budget(self) -> "Model[State]":
        """Return this model with precipitation minus evaporation among its outputs."""
        ...

    def with_fixed_mean_pressure(self) -> "Model[State]":
        """Return this model with a constant mean logarithm of surface pressure."""
        ...


class PrimitiveEquationModel(Protocol):
    """A model whose state holds that of the dynamical core, with other things perhaps.

    That is ``state.state``, a `dynamics.State`, of dry or of moist air.
    """

    @property
    def harmonics(self) -> SphericalHarmonics:
        """Transforms between the grid of the data and modal fields."""
        ...

    @property
    def dycore(self) -> Dycore:
        """Dynamical core."""
        ...

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Sigma levels of the state."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels of the data, hPa, top first."""
        ...

"""What a run needs of a model: the interface that `NeuralGCM` and test models share."""

from collections.abc import Mapping
from typing import Any, Protocol, Self

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.spectral.grid import Grid


class Model(Protocol):
    """A model that a run can encode, advance and decode; a pytree of arrays."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def grid(self) -> Grid:
        """Horizontal grid of the fields."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels of the fields, hPa, top first."""
        ...

    @property
    def sigma_levels(self) -> SigmaLevels:
        """Sigma levels of the state."""
        ...

    @property
    def time_step(self) -> np.timedelta64:
        """Length of a step."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether runs with different keys differ."""
        ...

    @property
    def land_fraction(self) -> np.ndarray:
        """Land fraction of each cell, (longitude, latitude)."""
        ...

    @property
    def input_variables(self) -> tuple[str, ...]:
        """Fields on pressure levels that `encode` needs."""
        ...

    @property
    def forcing_variables(self) -> tuple[str, ...]:
        """Surface fields that `encode` and `advance` need."""
        ...

    @property
    def output_variables(self) -> tuple[str, ...]:
        """Fields that `decode` can return."""
        ...

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """Fields that `decode` returns when it is not told which."""
        ...

    def encode(
        self,
        fields: Mapping[str, Any],
        forcing: Any,
        time: np.datetime64,
        key: PRNGKeyArray,
    ) -> Any:
        """Return the state of fields at a time."""
        ...

    def advance(self, state: Any, forcing: Any, steps: Any) -> Any:
        """Return the state some steps later."""
        ...

    def decode(
        self, state: Any, variables: tuple[str, ...] | None = None
    ) -> dict[str, jax.Array]:
        """Return fields of a state by name, each (level, longitude, latitude)."""
        ...

    def mean_fluxes(self, state: Any, steps: int) -> dict[str, jax.Array]:
        """Return the mean fluxes over the last steps."""
        ...

    def with_water_budget(self) -> Self:
        """Return this model, keeping a water budget."""
        ...

    def with_fixed_mean_pressure(self) -> Self:
        """Return this model, keeping the global mean of log surface pressure."""
        ...

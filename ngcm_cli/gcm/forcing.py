"""Prescribed sea-surface temperature and sea ice, selected by the model's clock."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from ngcm_cli import units


class Forcing(eqx.Module):
    """Fields at given times; between them the nearest in time holds.

    Before the first and after the last time their fields persist, so that a forcing
    with one time is constant.

    Attributes:
        minutes: whole minutes since 1979-01-01T00 UTC, ascending.
        fields: ``sea_surface_temperature`` [K] and ``sea_ice_cover`` [0 … 1].
    """

    minutes: Int[Array, " time"]
    fields: dict[str, Float[Array, "time 1 longitude latitude"]]

    @classmethod
    def constant(cls, fields: Mapping[str, ArrayLike]) -> "Forcing":
        """The same fields, each (1, longitude, latitude), at all times."""
        return cls(
            jnp.zeros(1, jnp.int32),
            {k: jnp.asarray(x)[None] for k, x in fields.items()},
        )

    @classmethod
    def at_times(cls, times: np.ndarray, fields: Mapping[str, ArrayLike]) -> "Forcing":
        """Fields with a leading time axis at the given datetime64 times."""
        minutes = (times - units.REFERENCE_TIME) / np.timedelta64(1, "m")
        return cls(
            jnp.asarray(np.round(minutes), jnp.int32),
            {k: jnp.asarray(x) for k, x in fields.items()},
        )

    def select(self, minutes: Int[Array, ""]) -> dict[str, jax.Array]:
        """The fields nearest in time; of two equally near, the one of even index."""
        last = len(self.minutes) - 1
        if last == 0:
            return {name: x[0] for name, x in self.fields.items()}
        before = jnp.searchsorted(self.minutes, minutes, side="right") - 1
        before = jnp.clip(before, 0, last - 1)
        start, end = self.minutes[before], self.minutes[before + 1]
        passed = jnp.clip(minutes - start, 0, end - start)
        fraction = passed.astype(jnp.float32) / (end - start).astype(jnp.float32)
        index = jnp.round(before + fraction).astype(jnp.int32)
        return {name: x[index] for name, x in self.fields.items()}

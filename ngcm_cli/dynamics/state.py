"""The prognostic variables of the atmosphere."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ngcm_cli.spectral.transform import split_levels

TRACERS = (
    "specific_cloud_ice_water_content",
    "specific_cloud_liquid_water_content",
    "specific_humidity",
)
"""Tracer names in the order in which states are packed (alphabetical)."""


class State(eqx.Module):
    """Prognostic variables, or their tendencies: modal or nodal, nondimensional.

    Attributes:
        vorticity: relative vorticity, shape (level, …).
        divergence: horizontal divergence, shape (level, …).
        temperature_variation: deviation from the reference temperature of each level.
        log_surface_pressure: natural logarithm of surface pressure, shape (1, …).
        tracers: specific humidity and cloud contents by name, each shape (level, …).
    """

    vorticity: Float[Array, "..."]
    divergence: Float[Array, "..."]
    temperature_variation: Float[Array, "..."]
    log_surface_pressure: Float[Array, "..."]
    tracers: dict[str, Float[Array, "..."]]

    def stack(self) -> Float[Array, "..."]:
        """Return all variables along the level axis, in field order, as one array."""
        return jnp.concatenate(jax.tree.leaves(self), axis=-3)

    def unstack(self, stacked: Float[Array, "..."]) -> "State":
        """Undo ``stack``, for an array that may have other horizontal axes."""
        leaves, structure = jax.tree.flatten(self)
        return jax.tree.unflatten(structure, split_levels(stacked, leaves))

    def map_stacked(self, f: Callable[[jax.Array], jax.Array]) -> "State":
        """Apply f, such as a transform, once to the stacked variables."""
        return self.unstack(f(self.stack()))

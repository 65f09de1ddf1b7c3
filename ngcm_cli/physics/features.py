"""What the networks are told about each column."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import on_device
from ngcm_cli.dynamics import State
from ngcm_cli.physics.radiation import incident_radiation
from ngcm_cli.physics.scaling import Features
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import (
    cos_lat_grad,
    cos_lat_velocity,
    laplacian,
    sec_lat,
)
from ngcm_cli.spectral.transform import SphericalHarmonics


def prefixed(prefix: str, features: Features) -> Features:
    """Return the same features under other names."""
    return {prefix + name: x for name, x in features.items()}


def nodal_values(
    modal: Mapping[str, jax.Array],
    harmonics: SphericalHarmonics,
    gradients: bool,
    cos_lat_weighted: tuple[str, ...] = (),
) -> Features:
    """Return nodal values of modal fields, and horizontal derivatives on request.

    Args:
        modal: modal fields by name, each (level, m, total_wavenumber).
        harmonics: transforms to the grid.
        gradients: adds ``_dlon``, ``_dlat`` and ``_del2`` of each field, the components
            of the gradient and the Laplacian.
        cos_lat_weighted: fields that carry a factor cos φ. Their values are divided by
            it; derivatives are those of the weighted field, divided likewise.
    """
    parts = dict(modal)
    if gradients:
        for name, x in modal.items():
            parts[f"{name}_dlon"], parts[f"{name}_dlat"] = cos_lat_grad(x)
            parts[f"{name}_del2"] = laplacian(x)
    fields = list(parts.values())
    nodal = harmonics.each_to_nodal(fields)

    sec = sec_lat(harmonics.grid)
    out = {}
    for name, x in zip(parts, nodal, strict=True):
        power = int(name.removesuffix("_del2") in cos_lat_weighted)
        if name.endswith(("_dlon", "_dlat")):
            power = 1 + int(name[:-5] in cos_lat_weighted)
        out[name] = x * sec**power
    return out


def state_features(
    state: State,
    harmonics: SphericalHarmonics,
    fields: tuple[str, ...],
    gradients: bool,
) -> Features:
    """Return wind and the named variables of a modal state on the grid.

    Args:
        state: modal state.
        harmonics: transforms of the model's grid.
        fields: names of state variables and tracers to include.
        gradients: whether to add the horizontal derivatives of all of them.
    """
    u, v = cos_lat_velocity(state.vorticity, state.divergence)
    available = {
        "vorticity": state.vorticity,
        "divergence": state.divergence,
        "temperature_variation": state.temperature_variation,
        "log_surface_pressure": state.log_surface_pressure,
        **state.tracers,
    }
    modal = {"u": u, "v": v} | {name: available[name] for name in fields}
    return nodal_values(modal, harmonics, gradients, cos_lat_weighted=("u", "v"))


class LocationTimeFeatures(eqx.Module):
    """Features of place and time: sunlight, latitude, the ground, learned position.

    Attributes:
        grid: where.
        ground: surface geopotential with its derivatives, and the land fraction.
        position: learned fields, (field, longitude, latitude).
    """

    grid: Grid = eqx.field(static=True)
    ground: dict[str, Float[Array, "1 longitude latitude"]]
    position: Float[Array, "field longitude latitude"]

    def __call__(self, time: Float[Array, ""]) -> Features:
        """Return features at a nondimensional time."""
        shape = (1, *self.grid.nodal_shape)
        sin = jnp.asarray(self.grid.sin_latitude, jnp.float32)
        return {
            "radiation": incident_radiation(time, self.grid),
            "sin_latitude": jnp.broadcast_to(sin, shape),
            "cos_latitude": jnp.broadcast_to(jnp.cos(jnp.arcsin(sin)), shape),
            "learned_positional_features": self.position,
            **self.ground,
        }


@eqx.filter_jit  # one program instead of forty, before every run
def _slopes(height: jax.Array, harmonics: SphericalHarmonics) -> Features:
    modal = {"geopotential_at_surface": harmonics.to_modal(height)}
    return nodal_values(modal, harmonics, gradients=True)


def ground_features(
    geopotential_at_surface: np.ndarray,
    land_sea_mask: np.ndarray,
    harmonics: SphericalHarmonics,
) -> Features:
    """Return the constant features of the ground.

    Args:
        geopotential_at_surface: m2 s-2, (longitude, latitude).
        land_sea_mask: land fraction, (longitude, latitude).
        harmonics: transforms of their grid.
    """
    factor = np.float32(units.SQUARE_METER_PER_SQUARE_SECOND)
    height = on_device(geopotential_at_surface.astype(np.float32)[None] * factor)
    features = _slopes(height, harmonics)
    features["geopotential_at_surface"] = height  # as given, not its projection
    features["land_sea_mask"] = on_device(land_sea_mask.astype(np.float32)[None])
    return features

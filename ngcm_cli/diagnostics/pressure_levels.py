"""Interpolation of what is computed on the sigma levels to pressure levels."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.gcm.interface import PrimitiveEquationModel
from ngcm_cli.gcm.levels import interpolate

NOT_CORRECTED = "from the sigma levels of the state, without the decoder's correction"
"""Comment on diagnostics that are interpolated to pressure levels here."""


def surface_pressure(model: PrimitiveEquationModel, state: Any) -> jax.Array:
    """Return the pressure at the surface in Pa, (1, longitude, latitude)."""
    harmonics = model.harmonics
    nodal = harmonics.to_nodal(state.state.log_surface_pressure)
    return jnp.exp(nodal) / units.PASCAL


def pressure_of_levels(model: PrimitiveEquationModel) -> jax.Array:
    """Return the pressure of the model's pressure levels in Pa, (level, 1, 1)."""
    hectopascals = np.array(model.levels, np.float32)
    return jnp.asarray(hectopascals[:, None, None] * np.float32(100))


def to_pressure_levels(
    model: PrimitiveEquationModel, state: Any, fields: dict[str, jax.Array]
) -> dict[str, jax.Array]:
    """Interpolate fields from the sigma levels to the pressure levels of the model.

    Linear in pressure. Below the lowest and above the highest sigma level, and below
    the ground, values are those of the nearest sigma level. Nothing learned corrects
    them.

    Args:
        model: of the state.
        state: one member, which gives the surface pressure.
        fields: by name, each (sigma level, longitude, latitude).

    Returns:
        By name, each (pressure level, longitude, latitude).
    """
    sigma = pressure_of_levels(model) / surface_pressure(model, state)
    return interpolate(fields, model.sigma_levels.centers, sigma)

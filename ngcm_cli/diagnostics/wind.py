"""Speed, vorticity and divergence of the wind, and its vertical component ω."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.diagnostics.pressure_levels import NOT_CORRECTED
from ngcm_cli.gcm.interface import PrimitiveEquationModel
from ngcm_cli.spectral.operators import cos_lat_grad, cos_lat_velocity, sec2_lat

_U, _V = "u_component_of_wind", "v_component_of_wind"


def wind_speed(fields: Mapping[str, Nodal], pressure: jax.Array) -> dict[str, Nodal]:
    """Return the speed of the horizontal wind in m s-1.

    Args:
        fields: u and v, m s-1.
        pressure: not used.
    """
    return {"wind_speed": jnp.sqrt(fields[_U] ** 2 + fields[_V] ** 2)}


def vorticity_and_divergence(
    model: PrimitiveEquationModel, state: Any, forcing: None = None
) -> dict[str, Nodal]:
    """Return relative vorticity and divergence on the sigma levels in s-1."""
    modal = jnp.stack([state.state.vorticity, state.state.divergence])
    vorticity, divergence = model.harmonics.to_nodal(modal) * units.SECOND
    return {"vorticity": vorticity, "divergence": divergence}


def vertical_velocity(
    model: PrimitiveEquationModel, state: Any, forcing: None = None
) -> dict[str, Nodal]:
    """Return ω on the sigma levels in Pa s-1, positive downwards.

    From the continuity equation, with p = σ pₛ, π = ln pₛ and v the horizontal wind:

        ω = pₛ [σ v·∇π − ∫₀^σ (δ + v·∇π) dσ′]

    (Durran, Numerical Methods for Fluid Dynamics, 2nd ed., section 8.6). The integral
    at the centre of a layer is the mean of those to its two boundaries, so that ω
    conserves mass as the dynamical core does: its value at the ground, extrapolated by
    half a layer, is pₛ (∂π/∂t + v·∇π).
    """
    harmonics, levels, prognostic = model.harmonics, model.sigma_levels, state.state
    modal = [
        prognostic.divergence,
        *cos_lat_velocity(prognostic.vorticity, prognostic.divergence, clip=False),
        *cos_lat_grad(prognostic.log_surface_pressure, clip=False),
        prognostic.log_surface_pressure,
    ]
    nodal = harmonics.each_to_nodal(modal)
    divergence, u, v, p_x, p_y, log_pressure = nodal
    advection = sec2_lat(harmonics.grid) * (u * p_x + v * p_y)  # v·∇π
    inflow = divergence + advection
    half = inflow * (levels.thickness / 2).astype(np.float32)[:, None, None]
    integral = levels.cumulative_integral(inflow) - half
    sigma = levels.centers[:, None, None]
    omega = jnp.exp(log_pressure) * (sigma * advection - integral)
    return {"vertical_velocity": omega * (units.SECOND / units.PASCAL)}


WIND = (
    Diagnostic(
        name="wind_speed",
        standard_name="wind_speed",
        long_name="Wind speed",
        units="m s-1",
        needs="decoder",
        aliases=("ws",),
        from_fields=wind_speed,
        fields=(_U, _V),
    ),
    Diagnostic(
        name="vorticity",
        standard_name="atmosphere_upward_relative_vorticity",
        long_name="Relative vorticity",
        units="s-1",
        aliases=("vo", "relative_vorticity", "atmosphere_relative_vorticity"),
        comment=NOT_CORRECTED,
        from_state=vorticity_and_divergence,
    ),
    Diagnostic(
        name="divergence",
        standard_name="divergence_of_wind",
        long_name="Divergence of the horizontal wind",
        units="s-1",
        aliases=("d", "div"),
        comment=NOT_CORRECTED,
        from_state=vorticity_and_divergence,
    ),
    Diagnostic(
        name="vertical_velocity",
        standard_name="lagrangian_tendency_of_air_pressure",
        long_name="Vertical velocity (omega), positive downwards",
        units="Pa s-1",
        aliases=("w", "omega", "wap"),
        comment=f"from the continuity equation; {NOT_CORRECTED}",
        cmip=CmipVariable("wap", "Omega (=dp/dt)"),
        from_state=vertical_velocity,
    ),
)

"""Wind speed, relative vorticity and divergence of the horizontal wind."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.diagnostics.pressure_levels import NOT_CORRECTED
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState

_U, _V = "u_component_of_wind", "v_component_of_wind"


def wind_speed(fields: Mapping[str, Nodal], pressure: jax.Array) -> dict[str, Nodal]:
    """Return the speed of the horizontal wind in m s-1.

    Args:
        fields: u and v, m s-1.
        pressure: not used.
    """
    return {"wind_speed": jnp.sqrt(fields[_U] ** 2 + fields[_V] ** 2)}


def vorticity_and_divergence(
    model: NeuralGCM, state: ModelState, forcing: None = None
) -> dict[str, Nodal]:
    """Return relative vorticity and divergence on the sigma levels in s-1."""
    modal = jnp.stack([state.state.vorticity, state.state.divergence])
    vorticity, divergence = model.harmonics.to_nodal(modal) * units.SECOND
    return {"vorticity": vorticity, "divergence": divergence}


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
)

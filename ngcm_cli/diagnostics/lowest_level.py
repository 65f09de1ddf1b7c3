"""Wind and temperature on the lowest sigma level of the model.

The models predict nothing at 2 m or 10 m. The centre of the lowest of 32 layers of
equal thickness is at σ = 0.984, about 130 m above the ground.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.arrays import NodalSurface
from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.dynamics import State
from ngcm_cli.gcm.interface import PrimitiveEquationModel
from ngcm_cli.spectral.operators import velocity

_COMMENT = "centre of the lowest sigma layer of the model, not a height above ground"


def lowest_level_fields(
    model: PrimitiveEquationModel, state: Any, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return wind in m s-1 and temperature in K, each (1, longitude, latitude)."""
    prognostic: State = state.state
    u, v = velocity(
        prognostic.vorticity[-1:], prognostic.divergence[-1:], model.harmonics
    )
    variation = model.harmonics.to_nodal(prognostic.temperature_variation[-1:])
    reference = np.float32(model.dycore.reference_temperature[-1])
    wind = jnp.stack([u, v]) / units.METER_PER_SECOND
    return {
        "lowest_level_temperature": variation + reference,
        "lowest_level_u_component_of_wind": wind[0],
        "lowest_level_v_component_of_wind": wind[1],
    }


LOWEST_LEVEL = tuple(
    Diagnostic(
        name=f"lowest_level_{name}",
        standard_name=standard_name,
        long_name=f"{title} on the lowest model level",
        units=unit,
        vertical="surface",
        comment=_COMMENT,
        from_state=lowest_level_fields,
    )
    for name, standard_name, title, unit in (
        ("temperature", "air_temperature", "Temperature", "K"),
        ("u_component_of_wind", "eastward_wind", "U component of wind", "m s-1"),
        ("v_component_of_wind", "northward_wind", "V component of wind", "m s-1"),
    )
)

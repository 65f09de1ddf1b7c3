"""Solar radiation that reaches the top of the atmosphere, as the networks see it."""

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.arrays import NodalSurface
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.physics.radiation import (
    CIRCULAR_ORBIT,
    SOLAR_CONSTANT,
    SOLAR_VARIATION,
    incident_radiation,
)

_LARGEST = SOLAR_CONSTANT + SOLAR_VARIATION  # W m-2


def insolation(
    model: NeuralGCM, state: ModelState, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return the flux through a horizontal surface in W m-2, (1, longitude, latitude).

    At the time of the state, in the float32 of the model's clock.
    """
    flux = incident_radiation(state.time, model.grid) * _LARGEST
    return {"toa_incoming_shortwave_flux": flux}


def mean_insolation(
    model: NeuralGCM, state: ModelState, steps: int
) -> dict[str, NodalSurface]:
    """Return the mean of `insolation` over the last steps.

    It is that of the values at the beginning of every physics step, which the networks
    saw: samples every six hours would make it a wave around the globe.

    Args:
        model: of the state.
        state: one member, at the end of the steps.
        steps: number of model steps.
    """
    step = model.step
    count = steps * step.substeps
    shape = 1, *model.grid.nodal_shape

    def add(i: jax.Array, total: jax.Array) -> jax.Array:
        clock = (state.substep - count + i).astype(jnp.float32)
        return total + incident_radiation(np.float32(step.interval) * clock, model.grid)

    total = jax.lax.fori_loop(0, count, add, jnp.zeros(shape, jnp.float32))
    return {"toa_incoming_shortwave_flux": total * (_LARGEST / count)}


INSOLATION = (
    Diagnostic(
        name="toa_incoming_shortwave_flux",
        standard_name="toa_incoming_shortwave_flux",
        long_name="Solar radiation at the top of the atmosphere",
        units="W m-2",
        vertical="surface",
        aliases=("rsdt",),
        comment=CIRCULAR_ORBIT,
        cmip=CmipVariable(
            "rsdt",
            "TOA Incident Shortwave Radiation",
            daily="CFday",
            positive="down",
        ),
        is_flux=True,
        from_state=insolation,
        from_steps=mean_insolation,
    ),
)

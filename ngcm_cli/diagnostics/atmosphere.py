"""Temperature, wind, geopotential, humidity, clouds: what the decoder gives.

On pressure levels they come from the decoder with its learned correction; on the sigma
levels of the model they are those of the state itself.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.dynamics.tendencies import GAS_RATIO
from ngcm_cli.gcm.fields import ATMOSPHERE, SURFACE
from ngcm_cli.gcm.interface import PrimitiveEquationModel
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.spectral.operators import velocity

STANDARD_GRAVITY = 9.80665  # m s-2
"""By which CF and CMIP divide geopotential to get geopotential height.

Not the model's own gravity, 9.80616 m s-2: a height here is a unit of geopotential, the
same for all models. The difference is 0.3 m at 500 hPa.
"""

_CMIP = {
    "geopotential": CmipVariable(
        name="zg",
        long_name="Geopotential Height",
        standard_name="geopotential_height",
        units="m",
        comment=f"geopotential divided by standard gravity, {STANDARD_GRAVITY} m s-2",
        convert=lambda geopotential: geopotential / STANDARD_GRAVITY,
    ),
    "temperature": CmipVariable("ta", "Air Temperature"),
    "u_component_of_wind": CmipVariable("ua", "Eastward Wind"),
    "v_component_of_wind": CmipVariable("va", "Northward Wind"),
    "specific_humidity": CmipVariable("hus", "Specific Humidity", units="1"),
    "surface_pressure": CmipVariable("ps", "Surface Air Pressure", daily="CFday"),
    "mean_sea_level_pressure": CmipVariable("psl", "Sea Level Pressure"),
    "total_column_water_vapour": CmipVariable(
        "prw",
        "Water Vapor Path",
        daily="Eday",
        comment="vertically integrated through the atmospheric column",
    ),
}


def fields_on_sigma_levels(
    model: PrimitiveEquationModel, state: Any, forcing: None = None
) -> dict[str, jax.Array]:
    """Return the fields of the state on the sigma levels, without any correction.

    Geopotential is hydrostatic, above the orography of the dynamical core, which is the
    ground of the surface pressure of the state.

    Returns:
        Temperature [K], wind [m s-1], geopotential [m2 s-2] and, unless the air is dry,
        specific humidity and cloud contents [kg kg-1] by name, each (sigma level,
        longitude, latitude).
    """
    harmonics, dycore, prognostic = (
        model.harmonics,
        model.dycore,
        state.state,
    )
    levels, names = dycore.levels, sorted(prognostic.tracers)
    height = change_truncation(
        dycore.orography.modal(dycore.harmonics.grid)[None], harmonics.grid.modal_shape
    )
    nodal = harmonics.to_nodal(
        jnp.concatenate(
            [
                prognostic.temperature_variation,
                *(prognostic.tracers[name] for name in names),
                height,
            ]
        )
    )
    reference = np.array(dycore.reference_temperature, np.float32)[:, None, None]
    variation, *tracers = jnp.split(nodal[:-1], len(names) + 1)
    temperature = variation + reference
    tracers = dict(zip(names, tracers, strict=True))
    virtual = temperature
    if "specific_humidity" in tracers:
        virtual = temperature * (1 + (GAS_RATIO - 1) * tracers["specific_humidity"])
    geopotential = nodal[-1:] * units.GRAVITY + levels.geopotential(virtual)
    u, v = velocity(prognostic.vorticity, prognostic.divergence, harmonics)
    return {
        "temperature": temperature,
        "geopotential": geopotential / units.SQUARE_METER_PER_SQUARE_SECOND,
        "u_component_of_wind": u / units.METER_PER_SECOND,
        "v_component_of_wind": v / units.METER_PER_SECOND,
        **tracers,
    }


DECODED = tuple(
    Diagnostic.of_variable(
        VARIABLES[name],
        needs="decoder",
        cmip=_CMIP.get(name),
        from_state=fields_on_sigma_levels,
    )
    for name in ATMOSPHERE
)

COLUMN_OF_STATE = (
    "of the model state, whose specific humidity the decoder corrects: the integral of "
    "specific_humidity on pressure levels differs, in the bundled model by 5 %"
)
"""Comment on integrals of humidity over the column."""

_UNBALANCED = "noisy in the first two hours after the initial time"
_COMMENTS = {
    "surface_pressure": _UNBALANCED,
    # Of the bundled model by 3 hPa from point to point; see docs/limits.md.
    "mean_sea_level_pressure": f"{_UNBALANCED}; at all times there may be noise from "
    "one grid point to the next, because models learn the orography below it",
    "total_column_water_vapour": COLUMN_OF_STATE,
}

# `ngcm_cli.gcm.surface_outputs` computes them, for `NeuralGCM.decode`, too.
SURFACE_FIELDS = tuple(
    Diagnostic.of_variable(VARIABLES[name], cmip=_CMIP[name], comment=_COMMENTS[name])
    for name in SURFACE
)

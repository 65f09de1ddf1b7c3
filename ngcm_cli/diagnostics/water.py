"""Precipitation and evaporation: fluxes at an instant, means and amounts.

``ngcm_cli.physics.water_budget`` computes them during the steps of the model; names,
units and signs are those of the published models.
"""

import dataclasses

from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.units import WATER_DENSITY_SI

_FLUXES = ("P_minus_E_rate", "precipitation_rate", "evaporation")
_AMOUNTS = (
    "P_minus_E_cumulative",
    "precipitation_cumulative_mean",
    "evaporation_cumulative",
)
_CMIP = {
    "precipitation_rate": CmipVariable(
        name="pr",
        long_name="Precipitation",
        standard_name="precipitation_flux",
        units="kg m-2 s-1",
        comment="includes both liquid and solid phases",
        convert=lambda depth_rate: depth_rate * WATER_DENSITY_SI,
    ),
    "evaporation": CmipVariable(
        name="evspsbl",
        long_name="Evaporation Including Sublimation and Transpiration",
        standard_name="water_evapotranspiration_flux",
        units="kg m-2 s-1",
        daily="Eday",
        comment="positive where water leaves the surface",
        # ECMWF's sign is the opposite. Not -x, which makes -0 of 0.
        convert=lambda downward: 0.0 - downward,
    ),
}

_COMMENT = (
    "from the water that the learned physics takes from the column; what the dynamical "
    "core gains or loses is in no flux: in the bundled model 1 % of precipitation"
)

WATER_FLUXES = tuple(
    dataclasses.replace(
        Diagnostic.of_variable(VARIABLES[name], needs="water", cmip=_CMIP.get(name)),
        cell_methods=VARIABLES[name].cell_methods,
        comment=_COMMENT,
        is_flux=name in _FLUXES,
        is_accumulated=name in _AMOUNTS,
    )
    for flux, amount in zip(_FLUXES, _AMOUNTS, strict=True)
    for name in (flux, amount)
)

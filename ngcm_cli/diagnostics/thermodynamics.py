"""Relative humidity and potential temperature."""

from collections.abc import Mapping

import jax

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.inputs.humidity import saturation_vapour_pressure, vapour_pressure
from ngcm_cli.inputs.variables import VARIABLES

REFERENCE_PRESSURE = 1e5  # Pa, of potential temperature


def relative_humidity(
    fields: Mapping[str, Nodal], pressure: jax.Array
) -> dict[str, Nodal]:
    """Return vapour pressure over its value at saturation, as in ERA5.

    The formulas are those of `inputs.humidity`. Not clipped: it is negative where the
    humidity of the model is, and can exceed 1.

    Args:
        fields: temperature [K] and specific humidity [kg kg-1].
        pressure: Pa, broadcasts to the fields.
    """
    t, q = fields["temperature"], fields["specific_humidity"]
    vapour = vapour_pressure(q, pressure)
    return {"relative_humidity": vapour / saturation_vapour_pressure(t)}


def potential_temperature(
    fields: Mapping[str, Nodal], pressure: jax.Array
) -> dict[str, Nodal]:
    """Return θ = T (p₀/p)^κ in K, with p₀ = 1000 hPa and κ = R/c_p = 2/7.

    Args:
        fields: temperature [K].
        pressure: Pa, broadcasts to the field.
    """
    ratio = (REFERENCE_PRESSURE / pressure) ** units.KAPPA
    return {"potential_temperature": fields["temperature"] * ratio}


THERMODYNAMICS = (
    Diagnostic.of_variable(
        VARIABLES["relative_humidity"],
        needs="decoder",
        comment="saturation over water above 0.01 degC, over ice below -23 degC and a "
        "quadratic mixture in between, as in ERA5",
        cmip=CmipVariable(
            "hur", "Relative Humidity", units="%", convert=lambda ratio: 100 * ratio
        ),
        from_fields=relative_humidity,
        fields=("temperature", "specific_humidity"),
    ),
    Diagnostic(
        name="potential_temperature",
        standard_name="air_potential_temperature",
        long_name="Potential temperature, reference pressure 1000 hPa",
        units="K",
        needs="decoder",
        aliases=("theta", "pt"),
        from_fields=potential_temperature,
        fields=("temperature",),
    ),
)

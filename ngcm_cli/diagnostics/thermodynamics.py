"""Relative humidity and potential temperature."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic

REFERENCE_PRESSURE = 1e5  # Pa, of potential temperature

_EPSILON = units.GAS_CONSTANT / units.VAPOR_GAS_CONSTANT  # R/R_v
_TRIPLE_POINT, _ALL_ICE = 273.16, 250.16  # K
_TRIPLE_PRESSURE = 611.21  # Pa
_WATER, _ICE = (17.502, 32.19), (22.587, -0.7)  # a₃ and a₄ [K]


def relative_humidity(
    fields: Mapping[str, Nodal], pressure: jax.Array
) -> dict[str, Nodal]:
    """Return vapour pressure over its value at saturation, as in ERA5.

    With ε = R/R_v the vapour pressure is e = q p / (ε + (1 − ε) q). Saturation is over
    water above 0.01 °C, over ice below −23 °C and in between a mixture, weighted by
    α = ((T − 250.16 K)/23 K)²:

        e_sat = α e_water + (1 − α) e_ice,  e = a₁ exp(a₃ (T − T₀)/(T − a₄))

    with T₀ = 273.16 K, a₁ = 611.21 Pa, over water a₃ = 17.502 and a₄ = 32.19 K (Buck
    1981), over ice a₃ = 22.587 and a₄ = −0.7 K (Alduchov and Eskridge 1996): IFS
    Documentation CY41R2, part IV, section 7.2.1b, equation 7.5. Not clipped: it is
    negative where the humidity of the model is, and can exceed 1.

    Args:
        fields: temperature [K] and specific humidity [kg kg-1].
        pressure: Pa, broadcasts to the fields.
    """
    t, q = fields["temperature"], fields["specific_humidity"]
    vapour = q * pressure / (_EPSILON + (1 - _EPSILON) * q)
    return {"relative_humidity": vapour / saturation_vapour_pressure(t)}


def saturation_vapour_pressure(temperature: jax.Array) -> jax.Array:
    """Return the vapour pressure at saturation in Pa; formula at `relative_humidity`.

    Args:
        temperature: K.
    """

    def over(phase: tuple[float, float], t: jax.Array) -> jax.Array:
        a3, a4 = phase
        return _TRIPLE_PRESSURE * jnp.exp(a3 * (t - _TRIPLE_POINT) / (t - a4))

    share = (temperature - _ALL_ICE) / (_TRIPLE_POINT - _ALL_ICE)
    alpha = jnp.clip(share, 0, 1) ** 2
    # Each formula only where it has a weight: elsewhere it may not even be finite.
    water = over(_WATER, jnp.maximum(temperature, _ALL_ICE))
    ice = over(_ICE, jnp.minimum(temperature, _TRIPLE_POINT))
    return alpha * water + (1 - alpha) * ice


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
    Diagnostic(
        name="relative_humidity",
        standard_name="relative_humidity",
        long_name="Relative humidity",
        units="1",
        needs="decoder",
        aliases=("r", "rh", "hur"),
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

"""Specific humidity from other measures of humidity, in NumPy or JAX."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ngcm_cli import units

SUBSTITUTES: Mapping[str, str] = MappingProxyType(
    {
        "humidity_mixing_ratio": "q = w/(1 + w)",
        "relative_humidity": "saturation over water above 0.01 °C, over ice below "
        "-23 °C and a mixture in between, as in ERA5",
        "dew_point_temperature": "vapour saturated over water at the dew point",
    }
)
"""By ERA5 or CF name, in this order, what specific humidity is derived from; how."""

_EPSILON = units.GAS_CONSTANT / units.VAPOR_GAS_CONSTANT  # R/R_v
_TRIPLE_POINT, _ALL_ICE = 273.16, 250.16  # K
_TRIPLE_PRESSURE = 611.21  # Pa
_WATER, _ICE = (17.502, 32.19), (22.587, -0.7)  # a₃ and a₄ [K]


def specific_humidity(name: str, values, temperature, pressure):
    """Return specific humidity, kg kg-1, from another measure of humidity.

    With the vapour pressure e, q = ε e/(p − (1 − ε) e), ε = R/R_v; e is at most p.

    Args:
        name: One of `SUBSTITUTES`.
        values: Of that variable in SI units, an array.
        temperature: K; needed for relative humidity only.
        pressure: Pa, broadcasts to the values.
    """
    if name == "humidity_mixing_ratio":
        return values / (1 + values)
    if name == "relative_humidity":
        vapour = values * saturation_vapour_pressure(temperature)
    else:
        vapour = _saturation(values, _WATER)
    vapour = vapour.clip(max=pressure)
    return _EPSILON * vapour / (pressure - (1 - _EPSILON) * vapour)


def vapour_pressure(humidity, pressure):
    """Return e = q p/(ε + (1 − ε) q), in the units of pressure."""
    return humidity * pressure / (_EPSILON + (1 - _EPSILON) * humidity)


def saturation_vapour_pressure(temperature):
    """Return the vapour pressure at saturation, Pa, as in ERA5.

    Saturation is over water above 0.01 °C, over ice below −23 °C and in between a
    mixture, weighted by α = ((T − 250.16 K)/23 K)²:

        e_sat = α e_water + (1 − α) e_ice,  e = a₁ exp(a₃ (T − T₀)/(T − a₄))

    with T₀ = 273.16 K, a₁ = 611.21 Pa, over water a₃ = 17.502 and a₄ = 32.19 K (Buck
    1981), over ice a₃ = 22.587 and a₄ = −0.7 K (Alduchov and Eskridge 1996): IFS
    Documentation CY41R2, part IV, section 7.2.1b, equation 7.5.

    Args:
        temperature: K, a NumPy or JAX array.
    """
    share = (temperature - _ALL_ICE) / (_TRIPLE_POINT - _ALL_ICE)
    alpha = share.clip(0, 1) ** 2
    # Each formula only where it has a weight: elsewhere it may not even be finite.
    water = _saturation(temperature.clip(min=_ALL_ICE), _WATER)
    ice = _saturation(temperature.clip(max=_TRIPLE_POINT), _ICE)
    return alpha * water + (1 - alpha) * ice


def _saturation(temperature, phase: tuple[float, float]):
    a3, a4 = phase
    xp: Any = temperature.__array_namespace__()
    exponent = a3 * (temperature - _TRIPLE_POINT) / (temperature - a4)
    return _TRIPLE_PRESSURE * xp.exp(exponent)

"""Variables that are computed from others where a dataset does not have them."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from ngcm_cli import units
from ngcm_cli.inputs.humidity import saturation_vapour_pressure, vapour_pressure

_U, _V = "u_component_of_wind", "v_component_of_wind"
_T, _Q, _Z = "temperature", "specific_humidity", "geopotential"
_GRAVITY = units.GRAVITY_SI

Fields = Mapping[str, np.ndarray]
"""Fields by name, each (..., level, latitude, longitude) in SI units."""


@dataclasses.dataclass(frozen=True)
class DerivedVariable:
    """A variable that follows from others at the same time.

    Attributes:
        name: name in score files.
        long_name: description.
        units: SI units.
        fields: variables that it is computed from.
        compute: function of these fields and the pressure of their levels, hPa.
        on_levels: whether it has the levels of its fields; else it is of the column.
        levels: levels that it needs, hPa; empty for all that there are.
        aliases: other names that users may give.
    """

    name: str
    long_name: str
    units: str
    fields: tuple[str, ...]
    compute: Callable[[Fields, np.ndarray], np.ndarray]
    on_levels: bool = True
    levels: tuple[float, ...] = ()
    aliases: tuple[str, ...] = ()


def wind_speed(fields: Fields, levels: np.ndarray) -> np.ndarray:
    """Return the speed of the horizontal wind, m s-1."""
    return np.hypot(fields[_U], fields[_V])


def relative_humidity(fields: Fields, levels: np.ndarray) -> np.ndarray:
    """Return vapour pressure over its value at saturation, as in ERA5."""
    pressure = (100 * levels).astype(np.float32)[:, None, None]
    vapour = vapour_pressure(fields[_Q], pressure)
    return vapour / saturation_vapour_pressure(fields[_T])


def total_column_water_vapour(fields: Fields, levels: np.ndarray) -> np.ndarray:
    """Return (1/g) ∫ q dp by the trapezoidal rule over the levels, kg m-2.

    What is above the highest and below the lowest level is left out; levels below the
    ground count as the data have them. WeatherBench 2 integrates over hPa, which gives
    a hundredth of this.
    """
    order = np.argsort(levels)
    pressure = 100 * np.asarray(levels, np.float64)[order]
    humidity = fields[_Q][..., order, :, :]
    layers = (humidity[..., 1:, :, :] + humidity[..., :-1, :, :]) / 2
    thickness = np.diff(pressure) / _GRAVITY
    return np.einsum("l,...lyx->...yx", thickness, layers).astype(humidity.dtype)


def thickness(fields: Fields, levels: np.ndarray) -> np.ndarray:
    """Return the geopotential at 500 hPa minus that at 1000 hPa, m2 s-2."""
    upper, lower = (int(np.abs(levels - p).argmin()) for p in (500.0, 1000.0))
    return fields[_Z][..., upper, :, :] - fields[_Z][..., lower, :, :]


DERIVED: Mapping[str, DerivedVariable] = {
    derived.name: derived
    for derived in (
        DerivedVariable(
            "wind_speed", "Wind speed", "m s-1", (_U, _V), wind_speed, aliases=("ws",)
        ),
        DerivedVariable(
            "relative_humidity",
            "Relative humidity",
            "1",
            (_T, _Q),
            relative_humidity,
            aliases=("r", "rh", "hur"),
        ),
        DerivedVariable(
            "total_column_water_vapour",
            "Total column water vapour",
            "kg m-2",
            (_Q,),
            total_column_water_vapour,
            on_levels=False,
            aliases=("tcwv", "prw", "total_column_vapor"),
        ),
        DerivedVariable(
            "thickness",
            "Geopotential thickness between 1000 and 500 hPa",
            "m2 s-2",
            (_Z,),
            thickness,
            on_levels=False,
            levels=(500.0, 1000.0),
            aliases=("thickness_1000_500",),
        ),
    )
}
"""Derived variables by name."""

WIND = "wind"
"""The horizontal wind as a vector, of which only vector metrics are computed."""

WIND_ALIASES = "wind_vector", "uv"
WIND_COMPONENTS = _U, _V

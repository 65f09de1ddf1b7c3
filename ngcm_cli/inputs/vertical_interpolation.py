"""Interpolation from the pressure levels of the data to those of the model.

Temperature, wind, humidity and cloud are interpolated linearly in ln p. Geopotential is
too curved for that, by about 14 m between 400 and 300 hPa: it is interpolated by a
cubic with the slope of hydrostatic balance at every level, dΦ/d ln p = −R_d T_v (the
hypsometric equation in differential form).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.pressure_levels import list_levels
from ngcm_cli.inputs.unit_conversion import GAS_CONSTANT

SAME_LEVEL = 1e-3  # hPa; levels in float32 or converted from Pa differ by less
MOIST = 0.608  # R_v/R_d − 1
FEWEST_LEVELS = 8
TOP, BOTTOM = 100.0, 900.0  # hPa that the levels must reach
# Neighbours may be as far apart as 50 and 100 or 500 and 1000 hPa, and no further.
LARGEST_RATIO, RATIO_BELOW = 2.1, 50.0

Columns = Mapping[str, tuple[np.ndarray, np.ndarray]]


def check_sufficient(levels: Sequence[float] | np.ndarray) -> None:
    """Refuse levels, hPa, that are too few or too far apart to interpolate.

    Sufficient are the 13 levels of ECMWF's open data and of WeatherBench, the 17 of the
    NCEP reanalysis, the 19 of CMIP6 and the 26 of GFS; the 8 of CMIP6's daily means,
    with none between 250 and 100 hPa, are not.

    Raises:
        InputDataError: There are too few, one is repeated, none is high or low enough,
            or two neighbours are too far apart.
    """
    ordered = np.sort(np.asarray(levels, float))
    found = f"the data have {len(ordered)}: {list_levels(ordered)} hPa"
    hint = (
        f"Needed: at least {FEWEST_LEVELS} levels from {BOTTOM:g} hPa or below up to "
        f"{TOP:g} hPa or above, each at least half its lower neighbour's pressure."
    )
    if len(ordered) < FEWEST_LEVELS:
        raise InputDataError(
            f"Too few pressure levels to interpolate between; {found}.", hint
        )
    repeated = ordered[1:][np.diff(ordered) <= SAME_LEVEL]
    if len(repeated):
        raise InputDataError(
            f"The level {repeated[0]:g} hPa occurs more than once; {found}.",
            "Keep each level once.",
        )
    if ordered[0] > TOP:
        raise InputDataError(
            f"No pressure level is at {TOP:g} hPa or above; {found}.", hint
        )
    if ordered[-1] < BOTTOM:
        raise InputDataError(
            f"No pressure level is at {BOTTOM:g} hPa or below; {found}.", hint
        )
    gap = (ordered[1:] > LARGEST_RATIO * ordered[:-1]) & (ordered[:-1] >= RATIO_BELOW)
    if gap.any():
        upper = int(gap.argmax())
        raise InputDataError(
            f"There is no pressure level between {ordered[upper]:g} and "
            f"{ordered[upper + 1]:g} hPa, too far apart to interpolate; {found}.",
            hint,
        )


def describe(levels: Sequence[float] | np.ndarray, target: Sequence[float]) -> str:
    """Return a sentence on how `to_levels` interpolates from levels to others, hPa."""
    first, last = min(levels), max(levels)
    beyond = []
    if min(target) < first - SAME_LEVEL:
        beyond.append(f"above {first:g} hPa")
    if max(target) > last + SAME_LEVEL:
        beyond.append(f"below {last:g} hPa")
    where, held = " and ".join(beyond), ""
    if beyond:
        held = f"; {where} temperature, wind, humidity and cloud are constant"
    return (
        f"Interpolated from {len(levels)} pressure levels ({first:g} to {last:g} hPa) "
        f"to the model's {len(target)}, linearly in ln p, geopotential "
        f"hydrostatically{held}."
    )


def to_levels(columns: Columns, target: Sequence[float]) -> dict[str, np.ndarray]:
    """Interpolate fields to the model's levels; levels in the data are copied.

    Between levels all variables but geopotential are linear in ln p, and beyond the
    first and the last level constant. Geopotential is the cubic Hermite polynomial in
    ln p through the data with slopes −R_d T (1 + 0.608 q), where T and q are those of
    the data on the levels of geopotential; without q the air is dry. Beyond its first
    and last level it is extrapolated with the slope there, which is hydrostatic for
    constant T_v.

    Geopotential is exact where T_v is linear in ln p. In the US Standard Analysis
    1976 its error is at most 1.2 m between 13 levels (50 to 1000 hPa), where that of a
    straight line in ln p is 14 m; in an ERA5 state its rms error is at most 0.9 m from
    100 hPa down and 6 m at 70 hPa, with 0.3 to 0.9 K in temperature, 2.4 K at 70 hPa.
    The error of constant temperature above 50 hPa grows upwards: 11 K (18 K in that
    ERA5 state) and 250 m (440 m) at 10 hPa.

    Args:
        columns: By ERA5 name, the levels in hPa, in any order, each once, and the
            values (level, longitude, latitude) in SI units, finite. Every variable may
            have its own levels.
        target: Levels of the model, hPa.

    Returns:
        Arrays by name, (level, longitude, latitude) in the order of ``target``,
        float32.

    Raises:
        ValueError: Geopotential is given without temperature.
    """
    result = {}
    for name, (levels, values) in columns.items():
        column = Column(levels, values)
        slopes = _hydrostatic_slopes(columns) if name == "geopotential" else None
        fields = np.empty((len(target), *values.shape[1:]), np.float32)
        for index, pressure in enumerate(target):
            fields[index] = column.at(pressure, slopes)
        result[name] = fields
    return result


def _hydrostatic_slopes(columns: Columns) -> list[np.ndarray]:
    """Return dΦ/d ln p = −R_d T_v on the levels of geopotential, from the top down."""
    if "temperature" not in columns:
        raise ValueError("geopotential is interpolated with temperature, missing here")
    temperature = Column(*columns["temperature"])
    moist = columns.get("specific_humidity")
    humidity = Column(*moist) if moist else None
    return [
        -GAS_CONSTANT
        * temperature.at(p)
        * (1 + MOIST * humidity.at(p) if humidity else 1)
        for p in np.sort(columns["geopotential"][0])
    ]


class Column:
    """A variable on its levels, from the top down, as a function of pressure."""

    def __init__(self, levels: np.ndarray, values: np.ndarray):
        self.order = np.argsort(levels)
        self.pressure = np.asarray(levels, float)[self.order]
        self.values = values

    def _value(self, index: int) -> np.ndarray:
        return self.values[self.order[index]].astype(np.float64)

    def at(self, pressure: float, slopes: list[np.ndarray] | None = None) -> np.ndarray:
        """Interpolate to a pressure, hPa, float64; with slopes by ln p as a cubic."""
        nearest = int(np.abs(self.pressure - pressure).argmin())
        if abs(self.pressure[nearest] - pressure) <= SAME_LEVEL:
            return self._value(nearest)
        if not self.pressure[0] < pressure < self.pressure[-1]:
            distance = np.log(pressure / self.pressure[nearest])
            beyond = 0 if slopes is None else slopes[nearest] * distance
            return self._value(nearest) + beyond
        lower = int(np.searchsorted(self.pressure, pressure))
        upper = lower - 1
        step = np.log(self.pressure[lower] / self.pressure[upper])
        t = np.log(pressure / self.pressure[upper]) / step
        above, below = self._value(upper), self._value(lower)
        if slopes is None:
            return (1 - t) * above + t * below
        # The cubic Hermite basis, written as the line and its curvature.
        bend = (1 - t) * (above - below + step * slopes[upper]) - t * (
            above - below + step * slopes[lower]
        )
        return (1 - t) * above + t * below + t * (1 - t) * bend

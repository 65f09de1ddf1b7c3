"""Sea-surface temperature and sea ice where a file leaves them undefined.

Analyses of sea ice may hold nothing where there is no ice, and those of temperature
nothing under ice. Files without a mask hold a constant on land. What is undefined is
decided by freezing: there is no ice on water above the freezing point, and water under
ice is at it.
"""

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError

FREEZING_SST = 271.47
"""K; at most this is at freezing. ERA5 has 271.46 K under ice; the rest is rounding."""

# K. The warmest water of the Earth is above 300 K in any month, its mean about 290 K.
_WARMEST, _NEAR_ZERO = 290.0, 2.0
# Share of the globe that a constant fills at least, if it is that of land, and of the
# values of a latitude that it does not exceed.
_MUCH, _WHOLE = 0.1, 0.95
_AT_FREEZING = 0.5  # K
# Coast lines of a file and of the model differ by less than this share of a cell.
_COAST = 0.1
# Share of the sea at freezing that is without ice, at most.
_BARE = 0.1
# Less ice than this is open water: the usual definition of the ice edge.
_EDGE = 0.15
# Ice is farther out in some years than in the mean: by less than these months change.
_MONTHS = 2


def check_full(found: str, temperature: np.ndarray) -> None:
    """Refuse anomalies in the place of temperatures, in K, NaN where undefined.

    Anomalies in degrees Celsius are around zero everywhere.

    Raises:
        InputDataError: The warmest water is far too cold, and the mean near 0 °C.
    """
    warmest, mean = float(np.nanmax(temperature)), float(np.nanmean(temperature))
    if warmest < _WARMEST and abs(mean - 273.15) < _NEAR_ZERO:
        raise InputDataError(
            f"Variable {found} looks like anomalies: converted to kelvin, its mean is "
            f"{mean:.1f} K and its largest value {warmest:.1f} K.",
            "Name data with the temperature itself: add the climatology to the "
            "anomalies first.",
        )


def land_constant(values: np.ndarray, latitude: np.ndarray) -> float | None:
    """Return the one value that a temperature has on land, or None.

    It fills much of the globe, but not whole latitudes, as idealized temperatures may;
    poleward of 60 degrees water under ice may do so, which is not looked at. Values,
    NaN where undefined, are of shape (longitude, latitude); latitudes are in degrees.
    """
    values = values[:, np.abs(latitude) < 60]
    found, count = np.unique(values[~np.isnan(values)], return_counts=True)
    if not len(found):
        return None
    constant = found[count.argmax()]
    number, known = (values == constant).sum(axis=0), (~np.isnan(values)).sum(axis=0)
    partly = number[number < _WHOLE * known]
    return float(constant) if partly.sum() > _MUCH * values.size else None


def without_land_constant(
    values: np.ndarray, may_be_water: np.ndarray | None, constant: float
) -> np.ndarray:
    """Return values with NaN where they are a constant of land, `land_constant`.

    A constant at freezing is that of water under ice, too, and stays where there may be
    such water; None is nowhere.
    """
    same = values == constant
    if abs(constant - units.SEA_FREEZING_SI) < _AT_FREEZING and (
        may_be_water is not None
    ):
        same &= ~may_be_water
    return np.where(same, np.nan, values)


def ice_from_freezing(temperature: np.ndarray) -> np.ndarray:
    """Return 1 where sea-surface temperature is at freezing, 0 elsewhere, or NaN."""
    return np.where(np.isnan(temperature), np.nan, temperature <= FREEZING_SST)


def complete_ice(
    ice: np.ndarray, temperature: np.ndarray, notes: list[str]
) -> np.ndarray:
    """Return sea ice, 0 where it is undefined and the water is above freezing.

    Zeros where the temperature is undefined are of land, and become NaN. Both fields
    are on the same grid; a sentence on open water is appended to the notes.
    """
    open_water = np.isnan(ice) & (temperature > FREEZING_SST)
    if open_water.any():
        notes.append(
            "sea_ice_cover is undefined on open water in the data: set to 0 where "
            f"sea_surface_temperature is above freezing ({FREEZING_SST} K)."
        )
    land = np.isnan(temperature) & (ice == 0)
    return np.where(open_water, 0.0, np.where(land, np.nan, ice))


def check_ice_is_whole(
    found: str, ice: np.ndarray, temperature: np.ndarray, absent: str
) -> None:
    """Refuse sea ice of which a part is zero because a chunk is not in its store.

    Both fields are on the same grid; ``absent`` is the key of such a chunk.

    Raises:
        InputDataError: There is no ice on much of the water at freezing.
    """
    at_freezing = temperature <= FREEZING_SST
    bare = at_freezing & (ice == 0)
    if bare.sum() > _BARE * at_freezing.sum():
        raise InputDataError(
            f"Variable {found} is incomplete: it is 0 on "
            f"{100 * bare.sum() / at_freezing.sum():.0f} % of the sea at freezing, and "
            f"chunks such as {absent} are not in the store.",
            "Copy the whole store again, or choose another initial time.",
        )


def complete_temperature(
    temperature: np.ndarray, ice: np.ndarray, notes: list[str]
) -> np.ndarray:
    """Return temperature, at the freezing point where it is undefined under ice.

    Both fields are on the same grid; a sentence is appended to the notes.
    """
    under_ice = np.isnan(temperature) & (ice > 0)
    if not under_ice.any():
        return temperature
    notes.append(
        "sea_surface_temperature is undefined under sea ice in the data: set to "
        f"freezing, {units.SEA_FREEZING_SI} K, where sea_ice_cover is above 0."
    )
    return np.where(under_ice, units.SEA_FREEZING_SI, temperature)


def share_under_ice(
    defined: np.ndarray, land: np.ndarray, may_have_ice: np.ndarray
) -> np.ndarray:
    """Return the share of each cell whose temperature is undefined under ice.

    Args:
        defined: Share of each cell of the model's grid with data.
        land: Land fraction.
        may_have_ice: Where there may be ice in the season.
    """
    hidden = np.where(may_have_ice, 1 - land - defined, 0)
    return np.where(hidden > _COAST, hidden, 0)


def climatological_ice(
    climatology: np.ndarray, month: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return where there may be ice in a month, and how much there is if so.

    The climatology is of shape (month, …), the month 0 to 11 or None for any.
    """
    if month is None:
        return climatology.max(axis=0) > _EDGE, np.maximum(climatology.mean(0), _EDGE)
    near = np.arange(month - _MONTHS, month + _MONTHS + 1) % 12
    may_be = climatology[near].max(axis=0) > _EDGE
    return may_be, np.maximum(climatology[month], _EDGE)

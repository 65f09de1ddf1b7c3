"""Values on pressure levels below the ground, which many archives leave out.

They are extrapolated from the lowest level with data, as data centres do it before they
publish fields: temperature with the standard lapse rate of 6.5 K/km, geopotential in
hydrostatic balance with it; wind, humidity and cloud are constant.

Source: Trenberth, Berry and Buja (1993), Vertical Interpolation and Truncation of
Model-Coordinate Data, NCAR Technical Note TN-396+STR, section 2 (ECMWF's method). Its
smaller lapse rate under high plateaus, which needs the height of the surface, is left
out.
"""

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.unit_conversion import GAS_CONSTANT, GRAVITY
from ngcm_cli.inputs.vertical_interpolation import MOIST

_LAPSE_RATE = 6.5e-3  # K m-1
_EXPONENT = GAS_CONSTANT * _LAPSE_RATE / GRAVITY  # T ∝ p^0.19
_HIGHEST_GROUND = 400.0  # hPa; Everest is at 300, but no mean over a cell
_SEA = 0.1  # land fraction below which the ground is at sea level
# There, missing values may lie this far above sea level, m2 s-2; a few may be higher.
_ABOVE_SEA, _FEW = 100 * GRAVITY, 5e-3

NOTE = (
    "Below the ground ({share:.2g} % of the points at {level:g} hPa) there are no "
    "values: temperature rises by 6.5 K/km from the lowest level with data, "
    "geopotential is in hydrostatic balance with it, other variables are constant."
)
"""What is announced where values are filled."""


def is_below_ground(missing: np.ndarray, levels: np.ndarray) -> bool:
    """Return whether values can be missing because the ground is above them.

    ``missing`` is (level, longitude, latitude), with levels in hPa in any order: below
    a missing value all must be missing, and none at `_HIGHEST_GROUND` or above.
    """
    downward = missing[np.argsort(levels)]
    holes = downward[:-1] & ~downward[1:]
    high = missing[levels < _HIGHEST_GROUND]
    return not (holes.any() or downward[0].any() or high.any())


def fill_below_ground(
    name: str,
    levels: np.ndarray,
    values: np.ndarray,
    temperature: np.ndarray | None = None,
    humidity: np.ndarray | None = None,
) -> np.ndarray:
    """Return a copy whose values missing below the ground are extrapolated.

    With T_b, q_b and Φ_b at p_b, the lowest level with data, and α = R_d γ/g:

        T = T_b (p/p_b)^α,  Φ = Φ_b − R_d (1 + 0.608 q_b) ∫ T d ln p

    where the integral is exact for such a temperature. Other variables are constant.

    Args:
        name: ERA5 name of the variable.
        levels: hPa, in any order, each once.
        values: (level, longitude, latitude) in SI units, NaN where `is_below_ground`.
        temperature: At the same points, complete, K; needed for geopotential.
        humidity: Specific humidity likewise; without it the air is dry.
    """
    result, order = values.copy(), np.argsort(levels)
    for upper, lower in zip(order, order[1:], strict=False):
        missing = np.isnan(result[lower])
        above, ratio = result[upper][missing], levels[lower] / levels[upper]
        if name == "temperature":
            above = above * ratio**_EXPONENT
        elif name == "geopotential":
            assert temperature is not None
            top = temperature[upper][missing].astype(float)
            bottom = temperature[lower][missing].astype(float)
            warming = np.log(bottom / top)
            constant = np.abs(warming) < 1e-6
            # The mean over ln p of a power of p between its values.
            mean = (bottom - top) / np.where(constant, 1, warming)
            mean = np.where(constant, top, mean)
            if humidity is not None:
                mean *= 1 + MOIST * humidity[lower][missing]
            above = above - GAS_CONSTANT * mean * np.log(ratio)
        result[lower][missing] = above
    return result


def above_sea(missing: np.ndarray, geopotential: np.ndarray) -> np.ndarray:
    """Return where values are missing although they are well above sea level.

    ``geopotential`` is filled; the result is of shape (longitude, latitude), float32.
    """
    return np.any(missing & (geopotential > _ABOVE_SEA), axis=0).astype(np.float32)


def check_sea(share: np.ndarray, land: np.ndarray) -> None:
    """Refuse values that are missing above the open sea.

    Args:
        share: Of each cell of the model's grid, what `above_sea` returned.
        land: Land fraction, of the same shape.

    Raises:
        InputDataError: More than a few cells of open sea are without values.
    """
    sea = land < _SEA
    wrong = (share > 0.5) & sea
    if wrong.sum() > _FEW * sea.sum():
        raise InputDataError(
            f"Values are missing above the open sea, in {wrong.sum()} of the "
            f"{sea.sum()} cells that are sea in the model: they are not below ground, "
            "or the fields are displaced in longitude or latitude.",
            "Check the coordinates, or fill the data first.",
        )

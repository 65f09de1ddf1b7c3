"""Sea ice where there can be none: a number that stands for land."""

from collections.abc import Callable

import numpy as np

from ngcm_cli.errors import InputDataError

# Degrees; nearer to the equator than any sea ice of climates like ours.
_NO_ICE = 38.0
_SAME, _LAND, _MOSTLY_LAND = 0.95, 0.5, 0.7
# K and share; no ice of ERA5, OISST and AMIP is on water above 278 K, and 4 K of
# warming may be added to it.
_WARM, _MUCH_ON_WARM = 283.15, 0.01
_EDGE = 0.15


def without_ice_on_land(
    ice: np.ndarray,
    temperature: np.ndarray,
    latitude: np.ndarray,
    find_land: Callable[[], np.ndarray | None],
    notes: list[str],
) -> np.ndarray:
    """Return sea ice with NaN where a constant stands for land.

    Where temperature is undefined there is land, or sea under ice; near the equator it
    is land. A sentence is appended to the notes.

    Args:
        ice: sea-ice cover, (longitude, latitude).
        temperature: of the sea on the same grid, NaN where it is undefined.
        latitude: degrees.
        find_land: returns the land fraction of the model at these nodes, or None.
        notes: sentences.

    Raises:
        InputDataError: ice varies where there can be none.
    """
    undefined = np.isnan(temperature) & (ice > 0)
    warm = undefined & (np.abs(latitude) < _NO_ICE)
    if not warm.any():
        return ice
    values, counts = np.unique(ice[warm], return_counts=True)
    constant = values[counts.argmax()]
    if counts.max() < _SAME * counts.sum():
        raise InputDataError(
            f"sea_ice_cover is {values.min():.3g} to {values.max():.3g} within "
            f"{_NO_ICE:g} degrees of the equator where sea_surface_temperature is "
            "undefined.",
            "Set it to missing on land, or check that both have the same coordinates.",
        )
    land = find_land()
    is_land = True if land is None else warm | (land > _LAND)
    notes.append(
        f"sea_ice_cover: {constant:.3g} stands for land in the data, where "
        "sea_surface_temperature is undefined; this is taken as missing."
    )
    return np.where(undefined & is_land & (ice == constant), np.nan, ice)


def check_ice_is_cold(
    ice: np.ndarray,
    temperature: np.ndarray,
    find_land: Callable[[], np.ndarray | None],
) -> None:
    """Refuse a constant of sea ice on land where temperature is defined and warm.

    The arguments are those of `without_ice_on_land`.

    Raises:
        InputDataError: there is much of it.
    """
    covered = ice >= _EDGE
    warm = covered & (temperature > _WARM)
    if warm.sum() <= _MUCH_ON_WARM * covered.sum():
        return
    values, counts = np.unique(ice[warm], return_counts=True)
    land = find_land()
    if land is None or (land[warm] > _LAND).mean() < _MOSTLY_LAND:
        return
    if counts.max() >= _SAME * counts.sum():
        raise InputDataError(
            f"sea_ice_cover is {values[counts.argmax()]:.3g} in {counts.max()} cells "
            f"with a sea_surface_temperature above {_WARM} K, most of them land: it "
            "seems to stand for land.",
            "Set sea ice to missing on land.",
        )

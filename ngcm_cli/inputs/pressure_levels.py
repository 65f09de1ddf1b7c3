"""Pressure levels of a dataset: units, checks, and those that a model uses."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError

_PASCALS = ("pa", "pascal", "pascals")
PRESSURE_UNITS = ("hpa", "millibar", "millibars", "mbar", "mb", *_PASCALS)


def hectopascals(level: xr.DataArray) -> np.ndarray:
    """Return pressure levels in hPa, by their units attribute or else by magnitude.

    Raises:
        InputDataError: It is not a pressure coordinate, contradicts its units, or
            repeats a level.
    """
    name, standard_name = level.name, str(level.attrs.get("standard_name", ""))
    units = str(level.attrs.get("units", "")).strip().lower()
    if "hybrid" in standard_name or "sigma" in standard_name:
        raise InputDataError(
            f"The vertical coordinate '{name}' holds model levels ({standard_name}).",
            "Needed: pressure levels; interpolate to them first.",
        )
    if level.ndim > 1 or level.dtype.kind not in "iuf":
        raise InputDataError(
            f"The vertical coordinate '{name}' is not a list of pressures.",
            "Needed: a 1-D coordinate in hPa or Pa.",
        )
    values = np.atleast_1d(level.values.astype(float))
    _check_values(str(name), values)
    # Of one level, high up, magnitude says nothing.
    in_pascals = values.max() > 2000 or (len(values) == 1 and units in _PASCALS)
    if units in PRESSURE_UNITS and (units in _PASCALS) != in_pascals:
        raise InputDataError(
            f"The vertical coordinate '{name}' says its units are "
            f"'{level.attrs['units']}', but its values run from {values.min():g} to "
            f"{values.max():g}.",
            f"They look like {'Pa' if in_pascals else 'hPa'}: correct the units "
            "attribute or the values.",
        )
    return values / 100 if in_pascals else values


def _check_values(name: str, values: np.ndarray) -> None:
    if not len(values):
        raise InputDataError(
            f"The vertical coordinate '{name}' is empty: it has no levels.",
            "Check how the file was made: the selection of levels left none.",
        )
    wrong = values[~(np.isfinite(values) & (values > 0))]
    if len(wrong):
        raise InputDataError(
            f"The vertical coordinate '{name}' holds {wrong[0]:g}, which is not "
            f"a pressure ({len(wrong)} of its {len(values)} levels are wrong).",
            "Repair the coordinate, or leave these levels out.",
        )
    ordered = np.sort(values)
    again = ordered[1:][np.diff(ordered) <= 1e-6 * ordered[1:]]
    if len(again):
        raise InputDataError(
            f"The vertical coordinate '{name}' holds the level {again[0]:g} more than "
            "once.",
            f"Keep each level once, e.g. `dataset.drop_duplicates('{name}')` in "
            "xarray.",
        )


def nearest_level(levels: np.ndarray, pressure: float) -> int:
    """Return the index of the level nearest to a pressure, both in hPa."""
    return int(np.abs(levels - pressure).argmin())


def level_indices(wanted: Sequence[float], levels: np.ndarray) -> list[int] | None:
    """Return the indices of wanted levels, ascending; None if one is missing."""
    for pressure in wanted:
        if not np.isclose(levels, pressure, rtol=0, atol=1e-3).any():
            return None
    return sorted({nearest_level(levels, pressure) for pressure in wanted})


def list_levels(levels: Sequence[float] | np.ndarray) -> str:
    """Return levels as text, separated by commas."""
    return ", ".join(f"{level:g}" for level in levels)


def check_hydrostatic_order(
    geopotential: np.ndarray, levels: Sequence[float] | np.ndarray
) -> None:
    """Refuse geopotential whose global mean does not rise as pressure falls.

    It is in m2 s-2, (level, longitude, latitude), on levels in hPa in any order.

    Raises:
        InputDataError: The levels and the fields do not belong together.
    """
    mean = geopotential.mean(axis=(1, 2), dtype=np.float64)
    order = np.argsort(levels)
    wrong = np.flatnonzero(np.diff(mean[order]) >= 0)
    if len(wrong):
        upper, lower = int(order[wrong[0]]), int(order[wrong[0] + 1])
        raise InputDataError(
            f"Geopotential at {levels[upper]:g} hPa (mean {mean[upper]:.0f} m2 s-2) is "
            f"not above that at {levels[lower]:g} hPa (mean {mean[lower]:.0f} m2 s-2): "
            "the fields and the level coordinate do not belong together.",
            "Check the order of the level coordinate.",
        )

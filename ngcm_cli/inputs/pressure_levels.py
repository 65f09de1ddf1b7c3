"""The pressure levels of a user's data against those of the model."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError

PRESSURE_UNITS = ("hpa", "millibar", "millibars", "mbar", "mb") + (
    "pa",
    "pascal",
    "pascals",
)


def hectopascals(level: xr.DataArray) -> np.ndarray:
    """Pressure levels in hPa, by the units attribute, else by magnitude.

    Args:
        level: the coordinate as the file has it.

    Raises:
        InputDataError: it is no pressure coordinate, contradicts its units, or does
            not hold each level once.
    """
    name, standard_name = level.name, str(level.attrs.get("standard_name", ""))
    units = str(level.attrs.get("units", "")).strip().lower()
    if "hybrid" in standard_name or "sigma" in standard_name:
        raise InputDataError(
            f"The vertical coordinate '{name}' holds model levels ({standard_name}).",
            "Needed: pressure levels; interpolate to them first.",
        )
    if level.dims != (name,) or level.dtype.kind not in "iuf":
        raise InputDataError(
            f"The vertical coordinate '{name}' is not a list of pressures.",
            "Needed: a 1-D coordinate in hPa or Pa.",
        )
    values = level.values.astype(float)
    _check_values(str(name), values)
    in_pascals = values.max() > 2000
    stated = units in ("pa", "pascal", "pascals")
    if units in PRESSURE_UNITS and stated != in_pascals:
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
            f"The vertical coordinate '{name}' holds {wrong[0]:g}, which is no "
            f"pressure ({len(wrong)} of its {len(values)} levels are like that).",
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
    """Index of the level nearest to a pressure, both in hPa."""
    return int(np.abs(levels - pressure).argmin())


def places_of(wanted: Sequence[float], levels: np.ndarray) -> list[int] | None:
    """Where the wanted levels are, in the order of the file; None if one is missing.

    Args:
        wanted: hPa.
        levels: of the file, hPa.
    """
    for pressure in wanted:
        if not np.isclose(levels, pressure, rtol=0, atol=1e-3).any():
            return None
    return sorted({nearest_level(levels, pressure) for pressure in wanted})


def listed(levels: Sequence[float] | np.ndarray) -> str:
    """Levels as one says them."""
    return ", ".join(f"{level:g}" for level in levels)


def check_hydrostatic_order(
    geopotential: np.ndarray, levels: Sequence[float] | np.ndarray
) -> None:
    """Geopotential rises as pressure falls, or the levels are mixed up.

    Args:
        geopotential: (level, longitude, latitude) in m2 s-2.
        levels: in hPa.

    Raises:
        InputDataError: it does not, in the global mean.
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

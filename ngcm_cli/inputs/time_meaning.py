"""Whether fields are instantaneous or means over time, as their files state.

Files state it by CF cell methods and time bounds, or in the attributes of data centres.

Source: CF Conventions, sections 7.1 "Cell Boundaries", 7.3 "Cell Methods" and 7.4
"Climatological Statistics".
"""

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

MEAN, INSTANT = "mean", "instant"

# Boundary conditions of CMIP6, mid-month values that are clipped once interpolated.
_MID_MONTH_NAMES = ("tosbcs", "siconcbcs")
_METHOD = re.compile(r"\btime:\s+(?:\w+:\s+)*(\w+)")
_MEAN_OF_MONTH = re.compile(r"month\w* (mean|average)|(mean|average)\w* .*\bmonth")
# Years of climatologies, which no record has.
_YEARS_OF_NONE = (0, 1)


def is_mid_month_value(name: str) -> bool:
    """Return whether a variable of this name is a mid-month value for AMIP."""
    return name.lower() in _MID_MONTH_NAMES


def stated_method(array: "xr.DataArray") -> str:
    """Return `MEAN`, `INSTANT`, or "" where attributes of a variable do not say."""
    if is_mid_month_value(str(array.name)):
        return INSTANT
    method = _METHOD.search(str(array.attrs.get("cell_methods", "")))
    if method is not None:
        return INSTANT if method[1] == "point" else MEAN
    step = str(array.attrs.get("GRIB_stepType", ""))
    statistic = str(array.attrs.get("statistic", "")).lower()
    title = str(array.attrs.get("long_name", "")).lower()
    is_mean = step.startswith("avg") or statistic == "mean"
    return MEAN if is_mean or _MEAN_OF_MONTH.search(title) else ""


def bounds_of_times(dataset: "xr.Dataset", time: str) -> np.ndarray | None:
    """Return begin and end of the period of each time, ([time,] 2), or None."""
    coordinate = dataset[time]
    named = coordinate.attrs.get("bounds") or coordinate.encoding.get("bounds")
    bounds = dataset.variables.get(str(named)) if named else None
    if bounds is None or not bounds.ndim or bounds.shape[-1] != 2:
        return None
    values = bounds.values
    if bounds.dims[:-1] != coordinate.dims or values.dtype.kind not in "MO":
        return None
    if values.dtype.kind == "M" and np.isnat(values).any():
        return None
    return values if np.all(values[..., 0] < values[..., 1]) else None


def middle_of(bounds: np.ndarray) -> np.ndarray:
    """Return the middle of each period, ([time]), of bounds ([time,] 2)."""
    return bounds[..., 0] + (bounds[..., 1] - bounds[..., 0]) / 2


def is_mean_year(times: np.ndarray, is_stated: bool = False) -> bool:
    """Return whether times, as decoded, are the twelve months of a climatology.

    They are in a year that no record has, or ``is_stated`` by metadata.
    """
    if times.shape != (12,):
        return False
    if times.dtype.kind == "O" and hasattr(times[0], "month"):
        months, years = (
            np.array([getattr(time, part) for time in times])
            for part in ("month", "year")
        )
    elif times.dtype.kind == "M":
        months = times.astype("datetime64[M]").astype(int) % 12 + 1
        years = times.astype("datetime64[Y]").astype(int) + 1970
    else:
        return False
    known = is_stated or np.isin(years, _YEARS_OF_NONE).all()
    return bool(known) and np.array_equal(months, np.arange(1, 13))

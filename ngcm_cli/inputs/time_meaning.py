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
# A year of a climatology, which no record has.
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
    bounds = dataset.variables.get(named) if named else None
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


def months_of_climatology(
    values: np.ndarray, is_stated: bool = False
) -> np.ndarray | None:
    """Return the twelve months of a climatology, datetime64[s] in 2001, or None.

    Args:
        values: Times as decoded, or numbers of months.
        is_stated: Whether metadata state that the times are of a climatology; else
            only years in which there are no data tell it.
    """
    if len(values) != 12:
        return None
    if values.dtype.kind in "iuf":
        months, years = values, np.zeros(12)
    elif values.dtype.kind == "O" and hasattr(values[0], "month"):
        months, years = (
            np.array([getattr(value, part) for value in values])
            for part in ("month", "year")
        )
    elif values.dtype.kind == "M":
        months = values.astype("datetime64[M]").astype(int) % 12 + 1
        years = values.astype("datetime64[Y]").astype(int) + 1970
    else:
        return None
    if not np.array_equal(months, np.arange(1, 13)):
        return None
    if not (is_stated or np.isin(years, _YEARS_OF_NONE).all()):
        return None
    first = np.arange("2001-01", "2002-01", dtype="datetime64[M]")
    begin, end = first.astype("datetime64[s]"), (first + 1).astype("datetime64[s]")
    return begin + (end - begin) // 2

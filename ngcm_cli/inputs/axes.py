"""The axes of a dataset: which coordinates are latitude, longitude, level and time."""

import re

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.calendars import is_cftime
from ngcm_cli.inputs.forecast_valid_time import is_initial_time
from ngcm_cli.inputs.pressure_levels import PRESSURE_UNITS
from ngcm_cli.inputs.sources.local_file import MOST_BYTES

NAMES = {
    "latitude": ("latitude", "lat", "nav_lat", "xlat"),
    "longitude": ("longitude", "lon", "nav_lon", "xlong"),
    "time": ("valid_time", "time", "datetime", "date", "initial_time0_hours"),
    "level": ("level", "pressure_level", "plev", "isobaricinhpa", "isobaricinpa")
    + ("isobaric", "lev", "pressure", "air_pressure", "p", "pfull"),
}
# Several axes of one kind in files of NCL, and of NetCDF-Java (THREDDS).
_NUMBERED = {
    "latitude": re.compile(r"(g\d+_)?lat_\d+"),
    "longitude": re.compile(r"(g\d+_)?lon_\d+"),
    "time": re.compile(r"(initial_time\d+_hours|time\d+)"),
    "level": re.compile(r"(lv_isbl|isobaric)\d+"),
}
_STANDARD_NAMES = {**{axis: axis for axis in NAMES}, "level": "air_pressure"}
_UNITS = {
    "latitude": ("degrees_north", "degree_north", "degrees_n", "degree_n"),
    "longitude": ("degrees_east", "degree_east", "degrees_e", "degree_e"),
    "time": (),
    "level": PRESSURE_UNITS,
}
_MONTHS = "month", "months", "mon"


def find_axes(dataset: xr.Dataset, axis: str) -> list[str]:
    """Return the names of coordinates with 0 or 1 dimensions, the likeliest first.

    They are recognised by their names, then by their CF standard name, then by their
    units. The axis is ``latitude``, ``longitude``, ``time`` or ``level``.
    """
    candidates = {
        str(n): v
        for n, v in dataset.variables.items()
        if v.ndim <= 1 or (axis == "time" and n == "valid_time")
    }
    lower = {n.lower(): n for n in candidates}
    found = [lower[name] for name in NAMES[axis] if name in lower]
    found += [n for low, n in lower.items() if _NUMBERED[axis].fullmatch(low)]
    found += [
        name
        for name, variable in candidates.items()
        if variable.attrs.get("standard_name") == _STANDARD_NAMES[axis]
    ]
    found += [
        name
        for name, variable in candidates.items()
        if name in dataset.dims
        and str(variable.attrs.get("units", "")).lower() in _UNITS[axis]
    ]
    return list(dict.fromkeys(found))


def find_axis(dataset: xr.Dataset, axis: str) -> str | None:
    """Return the first of `find_axes`, or None."""
    return next(iter(find_axes(dataset, axis)), None)


def find_time(dataset: xr.Dataset) -> str | None:
    """Return the name of the coordinate that holds the dates of the fields, or None.

    Dates may be in another coordinate than ``time``, which is then a lead time or a
    number, as in the example data of GraphCast.

    Raises:
        InputDataError: Several coordinates hold dates, and none has a known name.
    """
    named = find_axes(dataset, "time")
    dates = [name for name in named if _holds_dates(dataset[name])]
    if dates:
        return dates[0]
    others = [
        str(name)
        for name, variable in dataset.coords.items()
        if variable.ndim <= 1 and _holds_dates(variable)
    ]
    valid = [n for n in others if not is_initial_time(n, dataset[n])] or others
    if len(valid) > 1:
        raise InputDataError(
            f"Several coordinates could be the valid time: {', '.join(valid)}.",
            "Rename one to 'time', or leave the others out.",
        )
    return next(iter([*valid, *named]), None)


def _holds_dates(variable: xr.DataArray) -> bool:
    is_object = variable.dtype.kind == "O"  # else it need not be read
    return variable.dtype.kind == "M" or (is_object and is_cftime(variable.values))


def find_months(dataset: xr.Dataset) -> str | None:
    """Return the dimension of the twelve months of a climatology, or None.

    It is called ``month`` or has units of months, and its coordinate, if there is one,
    counts from 1 to 12.
    """
    for name, size in dataset.sizes.items():
        units = ""
        if name in dataset.variables:
            units = str(dataset[name].attrs.get("units", "")).lower()
        if size != 12 or not {str(name).lower(), units} & {*_MONTHS}:
            continue
        if name not in dataset.variables or _counts_months(dataset[name].values):
            return str(name)
    return None


def _counts_months(values: np.ndarray) -> bool:
    return values.dtype.kind in "iuf" and np.array_equal(values, np.arange(1, 13))


def find_horizontal(dataset: xr.Dataset) -> dict[str, tuple[str, xr.DataArray]]:
    """Return the dimension and the 1-D coordinate of latitude and of longitude.

    The coordinate may have another name than its dimension, and be repeated along the
    other one.

    Raises:
        InputDataError: There is none, or the grid is not regular.
    """
    result = {}
    for axis in ("latitude", "longitude"):
        found = find_axis(dataset, axis)
        array = _rectilinear(dataset, axis) if found is None else dataset[found]
        if array is not None and array.ndim == 1:
            result[axis] = str(array.dims[0]), array
            continue
        sizes = listed_sizes(dataset)
        lower = [n.lower() for n in map(str, dataset.variables)]
        if found is None and not set(lower) & {*NAMES[axis]}:
            raise InputDataError(
                f"There is no {axis} coordinate; the dimensions are {sizes}.",
                f"Needed: global fields with a 1-D coordinate '{axis}' or "
                f"'{axis[:3]}' in degrees.",
            )
        raise _irregular(f"{axis}s", sizes)
    if result["latitude"][0] == result["longitude"][0]:
        raise _irregular("latitudes and longitudes", listed_sizes(dataset))
    return result


def _rectilinear(dataset: xr.Dataset, axis: str) -> xr.DataArray | None:
    """Return a 1-D coordinate out of one that is 2-D and constant along one side."""
    lower = {str(name).lower(): name for name in dataset.variables}
    for known in NAMES[axis]:
        array = dataset[lower[known]] if known in lower else None
        if array is None or array.ndim != 2 or array.dtype.kind != "f":
            continue
        if array.nbytes > MOST_BYTES:
            continue
        for along in array.dims:
            first = array.isel({along: 0})
            if array.size and bool((array == first).all()):
                return first.reset_coords(drop=True)
    return None


def _irregular(what: str, sizes: str) -> InputDataError:
    return InputDataError(
        f"The {what} are not a dimension coordinate (dimensions: {sizes}): the grid is "
        "curvilinear or unstructured.",
        "Remap it to a regular latitude-longitude grid first, e.g. with "
        "`cdo remapcon,global_1`.",
    )


def listed_sizes(array: xr.DataArray | xr.Dataset) -> str:
    """Return dimensions and their sizes as text: ``time (1), level (37)``."""
    return ", ".join(f"{dim} ({size})" for dim, size in array.sizes.items())

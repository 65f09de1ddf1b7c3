"""Recognition of the variables and coordinates of a dataset."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.forecast_valid_time import valid_times
from ngcm_cli.inputs.pressure_levels import PRESSURE_UNITS, hectopascals
from ngcm_cli.inputs.time_meaning import (
    bounds_of_times,
    middle_of,
    months_of_climatology,
    stated_method,
)
from ngcm_cli.inputs.variables import VARIABLES, Variable

_NAMES = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "time": ("valid_time", "time", "datetime", "date"),
    "level": ("level", "pressure_level", "plev", "isobaricinhpa", "isobaricinpa")
    + ("isobaric", "lev", "pressure", "air_pressure", "p", "pfull"),
}
_STANDARD_NAMES = {**{axis: axis for axis in _NAMES}, "level": "air_pressure"}
_UNITS = {
    "latitude": ("degrees_north", "degree_north", "degrees_n", "degree_n"),
    "longitude": ("degrees_east", "degree_east", "degrees_e", "degree_e"),
    "time": (),
    "level": PRESSURE_UNITS,
}


def recognise(dataset: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Return the variables asked for under ERA5 names, with canonical dimensions.

    Returns:
        The variables that the dataset has, lazy, each with dimensions among ``time``,
        ``level``, ``latitude`` and ``longitude``, in the order of the file, and with
        the attributes ``found`` (name in the file), ``units`` (may be empty),
        ``time_method`` (of `stated_method`) and ``chunks`` (size by dimension, where
        they are stored in chunks). Coordinates: degrees; ``level`` in hPa if a variable
        is on levels; ``time`` as in the file, absent if the file has none, with the
        lead time added if that is a coordinate of its own. Where the times have bounds,
        ``time_middle`` is their middle, and where they are the months of a climatology,
        ``time`` is of the year 2001 and has the attribute ``climatology``.

    Raises:
        InputDataError: A coordinate is missing, ambiguous or damaged, or a variable has
            further dimensions.
    """
    dims = {axis: find_axis(dataset, axis) for axis in ("latitude", "longitude")}
    _check_horizontal(dataset, dims)
    dims["level"] = find_axis(dataset, "level")
    keep = set(dims.values())
    single = [d for d, size in dataset.sizes.items() if size == 1 and d not in keep]
    dataset = dataset.squeeze(single)
    time = find_axis(dataset, "time") or _axis_of_months(dataset)
    if time is not None and dataset[time].ndim == 1:
        dims["time"] = str(dataset[time].dims[0])
    elif time is not None and dataset[time].ndim > 1:
        raise InputDataError(
            f"The valid time '{time}' depends on several dimensions: "
            f"{_sizes(dataset[time])}.",
            "Select one initial time (or one lead time) first.",
        )
    coordinates = {
        axis: (axis, _degrees(dataset[dims[axis]], axis))
        for axis in ("latitude", "longitude")
    }
    canonical = {old: new for new, old in dims.items() if old is not None}
    found = {}
    for name in names:
        array = _find_variable(dataset, VARIABLES[name], dims)
        if array is not None:
            found[name] = _with_canonical_dims(array, canonical)
    if dims["level"] is not None and dataset[dims["level"]].ndim:
        # In an ocean file it may be a depth, which is not checked.
        on_it = any("level" in array.dims for array in found.values())
        upper_air = any(VARIABLES[name].on_levels for name in names)
        if on_it or (upper_air and not dataset.sizes[dims["level"]]):
            coordinates["level"] = ("level", hectopascals(dataset[dims["level"]]))
    result = xr.Dataset(found).assign_coords(coordinates)
    if time is not None:
        values = valid_times(dataset, time)
        stated = time == "month" or "climatology" in dataset[time].attrs
        months = months_of_climatology(np.atleast_1d(values), stated)
        if months is not None:
            attributes = {"climatology": "yes"}
            return result.assign_coords(time=("time", months, attributes))
        result = result.assign_coords(time=(("time",) * values.ndim, values))
        bounds = bounds_of_times(dataset, time)
        if bounds is not None:
            middle = ("time",) * values.ndim, middle_of(bounds)
            result = result.assign_coords(time_middle=middle)
    return result


def _axis_of_months(dataset: xr.Dataset) -> str | None:
    """Return the name of an axis of the twelve months of a year, or None."""
    if dataset.sizes.get("month") != 12:
        return None
    months = dataset["month"].values  # an index from 0 if there is no coordinate
    first = 1 if "month" in dataset.variables else 0
    return "month" if np.array_equal(months, np.arange(12) + first) else None


def _degrees(coordinate: xr.DataArray, axis: str) -> np.ndarray:
    if coordinate.dtype.kind not in "iuf":
        raise InputDataError(
            f"The {axis} coordinate '{coordinate.name}' is not numeric.",
            f"Needed: {axis}s in degrees.",
        )
    return coordinate.values.astype(float)


def _sizes(array: xr.DataArray | xr.Dataset) -> str:
    return ", ".join(f"{dim} ({size})" for dim, size in array.sizes.items())


def find_axis(dataset: xr.Dataset, axis: str) -> str | None:
    """Return the name of a coordinate with 0 or 1 dimensions, or None.

    It is recognised by its name, then by its CF standard name, then by its units. The
    axis is ``latitude``, ``longitude``, ``time`` or ``level``.
    """
    candidates = {
        str(n): v
        for n, v in dataset.variables.items()
        if v.ndim <= 1 or (axis == "time" and n == "valid_time")
    }
    lower = {n.lower(): n for n in candidates}
    for name in _NAMES[axis]:
        if name in lower:
            return lower[name]
    for name, variable in candidates.items():
        if variable.attrs.get("standard_name") == _STANDARD_NAMES[axis]:
            return name
    for name, variable in candidates.items():
        units = str(variable.attrs.get("units", "")).lower()
        if name in dataset.dims and units in _UNITS[axis]:
            return name
    return None


def _check_horizontal(dataset: xr.Dataset, dims: dict[str, str | None]) -> None:
    for axis in ("latitude", "longitude"):
        name = dims[axis]
        if name is not None and dataset[name].dims == (name,):
            continue
        sizes = _sizes(dataset)
        names = (n.lower() for n in map(str, dataset.variables))
        if name is not None or any(
            n in _NAMES[axis] + ("nav_" + axis[:3],) for n in names
        ):
            raise InputDataError(
                f"The {axis}s are not a dimension coordinate (dimensions: {sizes}): "
                "the grid is curvilinear or unstructured.",
                "Remap it to a regular latitude-longitude grid first, e.g. with "
                "`cdo remapcon,global_1`.",
            )
        raise InputDataError(
            f"There is no {axis} coordinate; the dimensions are {sizes}.",
            f"Needed: global fields with a 1-D coordinate '{axis}' or "
            f"'{axis[:3]}' in degrees.",
        )


def _find_variable(
    dataset: xr.Dataset, variable: Variable, dims: dict[str, str | None]
) -> xr.DataArray | None:
    """Return a variable on the right dimensions, by ERA5 or standard name or alias."""
    candidates = {}
    for name, array in dataset.data_vars.items():
        on_levels = dims["level"] in array.dims and array.sizes[dims["level"]] > 1
        horizontal = {dims["latitude"], dims["longitude"]} <= set(array.dims)
        numeric = array.dtype.kind in "iuf" and not is_anomaly(array)
        if horizontal and on_levels == variable.on_levels and numeric:
            candidates[str(name)] = array
    standard_names = (variable.standard_name, *variable.other_standard_names)
    stated = {n: array.attrs.get("standard_name") for n, array in candidates.items()}
    groups = [
        [n for n in candidates if n == variable.name],
        *([n for n in candidates if stated[n] == known] for known in standard_names),
        [n for n in candidates if variable.is_called(n)],
    ]
    for group in groups:
        # Of several with one standard name, prefer the only one with a known name.
        with_known_name = [n for n in group if variable.is_called(n)]
        choice = with_known_name if len(with_known_name) == 1 else group
        if len(choice) > 1:
            raise InputDataError(
                f"Several variables could be {variable.name}: {', '.join(choice)}.",
                f"Keep one of them, or rename it to '{variable.name}'.",
            )
        if choice:
            return candidates[choice[0]]
    return None


def is_anomaly(array: xr.DataArray) -> bool:
    """Return whether metadata state that a variable is an anomaly."""
    names = ("standard_name", "long_name", "statistic", "var_desc")
    return any("anomal" in str(array.attrs.get(name, "")).lower() for name in names)


def _with_canonical_dims(
    array: xr.DataArray, canonical: dict[str, str]
) -> xr.DataArray:
    for dim, size in array.sizes.items():
        if canonical.get(str(dim)) == "level" and size == 1:
            array = array.isel({dim: 0})
    extra = [d for d in array.dims if d not in canonical]
    if extra:
        raise InputDataError(
            f"Variable '{array.name}' has the dimensions {_sizes(array)}, of which "
            f"ngcm does not recognise {', '.join(map(repr, extra))}.",
            f"Select one first, e.g. `dataset.isel({extra[0]}=0)` in xarray.",
        )
    chunks = array.encoding.get("preferred_chunks", {})
    attributes = {
        "found": str(array.name),
        "units": str(array.attrs.get("units", "")),
        "time_method": stated_method(array),
        "chunks": {canonical[str(d)]: chunks[d] for d in array.dims if d in chunks},
    }
    bare = array.drop_vars([str(name) for name in array.coords])
    return bare.rename({d: canonical[str(d)] for d in array.dims}).assign_attrs(
        attributes
    )

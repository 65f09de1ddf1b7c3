"""Recognition of the variables and coordinates of a dataset."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError, printable
from ngcm_cli.inputs.axes import (
    find_axis,
    find_horizontal,
    find_months,
    find_time,
    listed_sizes,
)
from ngcm_cli.inputs.calendars import climatological_months
from ngcm_cli.inputs.forecast_valid_time import valid_times
from ngcm_cli.inputs.layouts import short_name
from ngcm_cli.inputs.pressure_levels import PRESSURE_UNITS, hectopascals
from ngcm_cli.inputs.sources.local_file import MOST_BYTES
from ngcm_cli.inputs.time_meaning import (
    bounds_of_times,
    is_mean_year,
    middle_of,
    stated_method,
)
from ngcm_cli.inputs.times import rounded_to_seconds
from ngcm_cli.inputs.variables import VARIABLES, Variable
from ngcm_cli.io.progress import format_size

_MEANINGS = {
    standard_name: variable.name
    for variable in VARIABLES.values()
    for standard_name in (variable.standard_name, *variable.other_standard_names)
    if standard_name
}
_LONGEST_NAME = 100  # characters of names that are recognised, and of units


def recognise(
    dataset: xr.Dataset, names: Sequence[str], records: Sequence[str] = ()
) -> xr.Dataset:
    """Return the variables asked for under ERA5 names, with canonical dimensions.

    Args:
        dataset: as opened.
        names: ERA5 names.
        records: further dimensions, which variables may have and which stay: those of
            initial times, lead times and members.

    Returns:
        The variables that the dataset has, lazy, each with dimensions among ``time``,
        ``level``, ``latitude`` and ``longitude``, in the order of the file, and with
        the attributes ``found`` (name in the file), ``units`` (may be empty),
        ``time_method`` (of `stated_method`), ``chunks`` (size by dimension, where they
        are stored in chunks) and, of a single level, ``pressure`` (hPa). Coordinates:
        degrees; ``level`` in hPa if a variable is on several levels; ``time`` rounded
        to seconds, absent if the file has none, with the lead time added if that is a
        coordinate of its own. The months of a climatology are in year 1, and ``time``
        has the attribute ``climatology``. Where the times have bounds, ``time_middle``
        is their middle.

    Raises:
        InputDataError: A coordinate is missing, ambiguous or damaged, or a variable has
            further dimensions.
    """
    horizontal = find_horizontal(dataset)
    dims: dict[str, str | None] = {axis: dim for axis, (dim, _) in horizontal.items()}
    level = find_axis(dataset, "level")
    dims["level"] = None
    if level is not None and dataset[level].ndim:
        dims["level"] = str(dataset[level].dims[0])
    dims |= {dim: dim for dim in records}
    keep = {*dims.values()}
    single = [d for d, size in dataset.sizes.items() if size == 1 and d not in keep]
    dataset = dataset.squeeze(single)
    months = find_months(dataset)
    time = None if months is not None else find_time(dataset)
    times = _times(dataset, time)
    if months is not None:
        times = months, climatological_months()
    if times is not None and times[0] is not None:
        dims["time"] = times[0]
    coordinates = {
        axis: (axis, _degrees(array, axis)) for axis, (_, array) in horizontal.items()
    }
    canonical = {old: new for new, old in dims.items() if old is not None}
    found = {}
    for name in names:
        array = _find_variable(dataset, VARIABLES[name], dims, level)
        if array is None:
            continue
        found[name] = _with_canonical_dims(array, canonical, records)
        if VARIABLES[name].on_levels and "level" not in found[name].dims:
            found[name].attrs["pressure"] = float(hectopascals(dataset[level])[0])
    if dims["level"] is not None:
        # In an ocean file it may be a depth, which is not checked.
        on_it = any("level" in array.dims for array in found.values())
        upper_air = any(VARIABLES[name].on_levels for name in names)
        if on_it or (upper_air and not dataset.sizes[dims["level"]]):
            coordinates["level"] = ("level", hectopascals(dataset[level]))
    result = xr.Dataset(found).assign_coords(coordinates)
    if times is not None:
        values = times[1]
        stated = time is not None and "climatology" in dataset[time].attrs
        if is_mean_year(values, stated):
            year = "time", climatological_months(), {"climatology": "yes"}
            return result.assign_coords(time=year)
        result = result.assign_coords(time=(("time",) * values.ndim, values))
        bounds = None if time is None else bounds_of_times(dataset, time)
        if bounds is not None:
            middle = ("time",) * values.ndim, rounded_to_seconds(middle_of(bounds))
            result = result.assign_coords(time_middle=middle)
    return result


def _times(
    dataset: xr.Dataset, time: str | None
) -> tuple[str | None, np.ndarray] | None:
    """Return the dimension and the values of valid times; None if there are none."""
    if time is None:
        return None
    if dataset[time].ndim > 1:
        raise InputDataError(
            f"The valid time '{time}' depends on several dimensions: "
            f"{listed_sizes(dataset[time])}.",
            "Select one initial time (or one lead time) first.",
        )
    return valid_times(dataset, time)


def _degrees(coordinate: xr.DataArray, axis: str) -> np.ndarray:
    if coordinate.dtype.kind not in "iuf":
        raise InputDataError(
            f"The {axis} coordinate '{coordinate.name}' is not numeric.",
            f"Needed: {axis}s in degrees.",
        )
    return coordinate.values.astype(float)


def _find_variable(
    dataset: xr.Dataset,
    variable: Variable,
    dims: dict[str, str | None],
    level: str | None,
) -> xr.DataArray | None:
    """Return a variable on the right dimensions, by ERA5 or standard name or alias."""
    one_pressure = level is not None and _is_one_pressure(dataset[level])
    horizontal = {dims["latitude"], dims["longitude"]}
    candidates: dict[str, xr.Variable] = {}
    # Of thousands of variables an array of each would take minutes.
    for found in dataset.data_vars:
        name, array = str(found), dataset.variables[found]
        layered = dims["level"] in array.dims
        several = layered and array.sizes[dims["level"]] > 1
        fits = several == variable.on_levels
        if variable.on_levels and not several:
            fits = one_pressure and layered == (dims["level"] is not None)
        if (
            fits
            and horizontal <= set(array.dims)
            and array.dtype.kind in "iuf"
            and printable(name, _LONGEST_NAME) == name
            and not is_anomaly(array)
        ):
            candidates[name] = array
    standard_names = (variable.standard_name, *variable.other_standard_names)
    stated = {n: array.attrs.get("standard_name") for n, array in candidates.items()}
    called = [n for n in candidates if variable.is_called(short_name(n))]
    if variable.on_levels:
        # A name as short as 'q' says less than a standard name.
        means = {n: _MEANINGS.get(str(stated[n]), variable.name) for n in called}
        called = [n for n in called if means[n] == variable.name]
    groups = [
        [n for n in candidates if n == variable.name],
        *([n for n in candidates if stated[n] == known] for known in standard_names),
        called,
    ]
    for group in groups:
        # Of several with one standard name, prefer the only one with a known name.
        with_known_name = [n for n in group if n in called]
        choice = with_known_name if len(with_known_name) == 1 else group
        if len(choice) > 1:
            raise InputDataError(
                f"Several variables could be {variable.name}: {', '.join(choice)}.",
                f"Keep one of them, or rename it to '{variable.name}'.",
            )
        if choice:
            return dataset[choice[0]]
    return None


def is_anomaly(array: xr.Variable) -> bool:
    """Return whether metadata state that a variable is an anomaly."""
    names = ("standard_name", "long_name", "statistic", "var_desc")
    return any("anomal" in str(array.attrs.get(name, "")).lower() for name in names)


def _is_one_pressure(level: xr.DataArray) -> bool:
    """Return whether a coordinate of one value is a pressure, not a height or depth."""
    units = str(level.attrs.get("units", "")).strip().lower()
    is_number = level.size == 1 and level.dtype.kind in "iuf"
    return is_number and (
        units in PRESSURE_UNITS or (not units and float(level.values.flat[0]) >= 1)
    )


def _with_canonical_dims(
    array: xr.DataArray, canonical: dict[str, str], records: Sequence[str]
) -> xr.DataArray:
    for dim, size in array.sizes.items():
        if canonical.get(str(dim)) == "level" and size == 1:
            array = array.isel({dim: 0})
    extra = [d for d in array.dims if d not in canonical]
    if extra:
        raise InputDataError(
            f"Variable '{array.name}' has the dimensions {listed_sizes(array)}, of "
            f"which ngcm does not recognise {', '.join(map(repr, extra))}.",
            f"Select one first, e.g. `dataset.isel({extra[0]}=0)` in xarray.",
        )
    chunks = array.encoding.get("preferred_chunks", {})
    _check_size(array, canonical, chunks, {"time", *records})
    attributes = {
        "found": str(array.name),
        "units": printable(str(array.attrs.get("units", "")), _LONGEST_NAME),
        "time_method": stated_method(array),
        "chunks": {canonical[str(d)]: chunks[d] for d in array.dims if d in chunks},
    }
    bare = array.drop_vars([str(name) for name in array.coords])
    return bare.rename({d: canonical[str(d)] for d in array.dims}).assign_attrs(
        attributes
    )


def _check_size(
    array: xr.DataArray,
    canonical: dict[str, str],
    chunks: Mapping[str, int],
    records: Collection[str],
) -> None:
    """Refuse a variable of which one time, or one chunk, would fill the memory."""
    at_once = [n for d, n in array.sizes.items() if canonical[str(d)] not in records]
    stored = [chunks[str(d)] for d in array.dims if d in chunks]
    for what, sizes in ("One time", at_once), ("One chunk", stored):
        size = math.prod(sizes) * array.dtype.itemsize
        if size > MOST_BYTES:
            raise InputDataError(
                f"{what} of variable '{array.name}' takes {format_size(size)} in "
                f"memory: {listed_sizes(array)}.",
                f"At most {format_size(MOST_BYTES)} are read: use a coarser copy of "
                "the data, or smaller chunks.",
            )
